//go:build e2e && unix

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// TestRendered: the API server takes what kustomize and Helm make of the deploy files,
// with strict field validation.
func TestRendered(t *testing.T) {
	c := theCluster(t)
	deploy := filepath.Join(all.builder.Repo, "live", "deploy")
	for name, args := range map[string][]string{
		"kustomize": {"build", filepath.Join(deploy, "kustomize")},
		"helm":      {"template", "scale-eval", filepath.Join(deploy, "chart")},
	} {
		t.Run(name, func(t *testing.T) {
			program := peerPath(t, name) // a first build takes longer than what is bounded below
			var text, problems bytes.Buffer
			cmd := exec.CommandContext(bounded(t, time.Minute), program, args...)
			cmd.Stdout, cmd.Stderr = &text, &problems
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &problems)
			}
			kinds := create(t, c, namespace(t, c), text.Bytes())
			for _, want := range []string{"ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Deployment"} {
				if kinds[want] != 1 {
					t.Errorf("%d objects of kind %s, want 1; all: %v", kinds[want], want, kinds)
				}
			}
		})
	}
}

// create has the API server take manifests in a dry run, and counts them by kind.
func create(t *testing.T, c *Cluster, namespace string, manifests []byte) map[string]int {
	t.Helper()
	client, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.Admin.Discovery()))
	kinds := map[string]int{}
	for dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096); ; {
		var o unstructured.Unstructured
		if err := dec.Decode(&o.Object); errors.Is(err, io.EOF) {
			return kinds
		} else if err != nil {
			t.Fatal(err)
		}
		if len(o.Object) == 0 {
			continue
		}
		kind := o.GroupVersionKind()
		kinds[kind.Kind]++
		m, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Resource(m.Resource).Namespace(namespace).Create(bounded(t, time.Minute), &o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
		if err != nil {
			t.Errorf("%s %s: %v", kind.Kind, o.GetName(), err)
		}
	}
}
