package kubetest

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Real is a start for Run: each test gets a namespace of its own on the server of a
// kubeconfig file's current context, which is deleted after it. The account must be
// allowed to make and delete namespaces. Nothing else on the server is touched.
func Real(t *testing.T, kubeconfig string) func(*testing.T) Server {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS, cfg.Burst, cfg.Timeout = 100, 200, time.Minute
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) Server {
		t.Helper()
		ns, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "scale-eval-test-"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			// The test's own context is over by now.
			if err := client.CoreV1().Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{}); err != nil {
				t.Errorf("namespace %s is left behind: %v", ns.Name, err)
			}
		})
		return Server{Client: client, Namespace: ns.Name}
	}
}
