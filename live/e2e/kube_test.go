//go:build e2e && unix

package e2e

import (
	"testing"

	"github.com/scale-eval/scale-eval/live/kube/kubetest"
)

// TestKubeSuite holds live/kube to its suite on the real API server, with the real
// controllers at work on what it changes.
func TestKubeSuite(t *testing.T) {
	t.Parallel() // in namespaces of its own
	c := theCluster(t)
	kubetest.Run(t, func(t *testing.T) kubetest.Server {
		return kubetest.Server{Client: c.Admin, Namespace: namespace(t, c)}
	})
}
