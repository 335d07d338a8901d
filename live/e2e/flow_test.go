//go:build e2e && unix

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func rbacManifest() string {
	return filepath.Join(all.builder.Repo, "live", "deploy", "kustomize", "rbac.yaml")
}

// shop is a namespace with a deployment of two replicas, and the account of the
// kustomization.
func shop(t *testing.T, c *Cluster) (ns string, account *Account) {
	t.Helper()
	ctx := bounded(t, time.Minute)
	ns = namespace(t, c)
	if err := c.Deploy(ctx, ns, "checkout", 2); err != nil {
		t.Fatal(err)
	}
	account, err := c.AddAccount(ctx, ns, rbacManifest())
	if err != nil {
		t.Fatal(err)
	}
	return ns, account
}

// scaleWrites are the stored writes of the account to the scale of checkout, by the
// API server's own audit log; nothing else may have been written, nor refused, unless
// the server was restarted: it answers before it has read whose rights are which.
func scaleWrites(t *testing.T, c *Cluster, account *Account, restarted bool) (n int) {
	t.Helper()
	list, err := c.Requests(account.User)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		switch {
		case r.Code.Code == 403 && restarted:
		case r.Code.Code == 403:
			t.Errorf("%s may not %s %s/%s: the role lacks what is used", account.User, r.Verb, r.Ref.Resource, r.Ref.Subresource)
		case r.Ref.Resource == "deployments" && r.Ref.Subresource == "scale":
			if r.Code.Code == 200 {
				n++
			}
		case r.Ref.Resource != "events" && r.Ref.Resource != "leases":
			t.Errorf("%s: %s %s/%s is not expected", account.User, r.Verb, r.Ref.Resource, r.Ref.Subresource)
		}
	}
	return n
}

// TestEndToEnd: otelgen and telemetrygen send through the Collector to a sampler, whose
// sampled spans a processor of its own turns into actions on the real API server. While
// nothing is slow nothing happens; then a service is, and its deployment is scaled,
// once, its pods run on KWOK's nodes, and every span was taken.
func TestEndToEnd(t *testing.T) {
	c := theCluster(t)
	ns, account := shop(t, c)
	s := startSampler(t, "flow-sampler", "--cold")
	p := startProcessor(t, "flow-processor", "--from", s.otlp, "--act", "--kubeconfig", account.Kubeconfig, "--namespace", ns,
		"--rules", rulesFor(t, ns), "--state", all.run.Path("flow-state"))
	col := startCollector(t, "flow-collector", s.otlp)
	ctx := bounded(t, 2*time.Minute)

	micro := otelgen(t, "flow-otelgen", col.otlp, 20*time.Second)
	ended(t, ctx, usual(t, "flow-usual", col.otlp))
	if err := c.Ready(ctx, ns, "checkout", 2); err != nil {
		t.Fatal(err)
	}
	if v := p.status(t); v.Counters.Acted != 0 || v.Mode != "acting" {
		t.Fatalf("nothing was slow: mode %s, %d actions", v.Mode, v.Counters.Acted)
	}

	slow := telemetrygen(t, "flow-slow", col.otlp, "checkout", 800*time.Millisecond, 15*time.Second, 50)
	begun := time.Now()
	if err := c.Ready(ctx, ns, "checkout", 5); err != nil {
		t.Fatal(err)
	}
	t.Logf("slow at 0 s, five replicas ready after %.1f s", time.Since(begun).Seconds())
	pods, err := c.Admin.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=checkout"})
	if err != nil {
		t.Fatal(err)
	}
	running := 0
	for _, pod := range pods.Items {
		if pod.Status.Phase == corev1.PodRunning && strings.HasPrefix(pod.Spec.NodeName, "kwok-") {
			running++
		}
	}
	if running != 5 {
		t.Errorf("%d of %d pods run on KWOK's nodes, want 5", running, len(pods.Items))
	}
	ended(t, ctx, slow, micro)

	// It went on being slow, and the cooldown held: there is one action, and all tell
	// the same of it.
	acted := p.acted(t)
	if len(acted) != 1 || acted[0].From != 2 || acted[0].To != 5 || acted[0].Target.Name != "checkout" || !strings.Contains(acted[0].Explanation, "checkout-slow") {
		t.Errorf("audit log: %+v, want one action, 2 to 5, by checkout-slow", acted)
	}
	if n := scaleWrites(t, c, account, false); n != 1 {
		t.Errorf("the API server knows of %d writes, want 1", n)
	}
	events, err := c.Admin.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Deployment,involvedObject.name=checkout,source=scale-eval"})
	if err != nil {
		t.Fatal(err)
	}
	if len(events.Items) != 1 || !strings.Contains(events.Items[0].Message, "checkout-slow") {
		t.Errorf("events %+v, want one that names the rule", events.Items)
	}

	// Every span that a generator was rid of was judged: the 2000 usual ones, 50 a second
	// slow ones, and what otelgen makes, which depends on the machine.
	accepted := col.count(t, "otelcol_receiver_accepted_spans")
	wait(t, 20*time.Second, "the sampler to have judged every span", func() bool { return s.status(t).Receiver.Spans == accepted })
	if refused := col.count(t, "otelcol_receiver_refused_spans") + col.count(t, "otelcol_exporter_send_failed_spans"); refused != 0 {
		t.Errorf("%d spans were refused", refused)
	}
	v := s.status(t)
	if accepted < 2600 || v.Receiver.Late+v.Receiver.Future+v.Receiver.Duplicate+v.Receiver.Negative != 0 {
		t.Errorf("%d spans, receiver %+v", accepted, v.Receiver)
	}
	t.Logf("%d spans came, %d were sampled", accepted, v.Receiver.Sampled)
	for _, proc := range []*Proc{p.Proc, s.Proc} {
		if err := proc.Stop(); err != nil {
			t.Errorf("%s at SIGTERM: %v\n%s", proc.Name, err, proc.Tail(5))
		}
	}
}
