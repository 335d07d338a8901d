package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// apiServer is as much of a Kubernetes API server as scaling a deployment needs. It
// fails as it is told to, and knows every write of the scale subresource.
type apiServer struct {
	mu       sync.Mutex
	replicas int
	version  int
	writes   []string // stored ones
	asked    int      // writes that were tried
	faults   []func(http.ResponseWriter, *http.Request) bool
	objects  map[string]*coordinationv1.Lease
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	const deployment = "/apis/apps/v1/namespaces/shop/deployments/cart"
	switch p := r.URL.Path; {
	case p == deployment+"/scale" && r.Method == http.MethodPut:
		a.write(w, r)
	case p == deployment+"/scale":
		reply(w, 200, a.scale())
	case p == deployment:
		reply(w, 200, map[string]any{"kind": "Deployment", "apiVersion": "apps/v1", "metadata": a.meta(),
			"spec": map[string]any{"replicas": a.replicas, "selector": map[string]any{"matchLabels": map[string]any{"app": "cart"}}}, "status": map[string]any{"readyReplicas": a.replicas}})
	case strings.HasSuffix(p, "/horizontalpodautoscalers"):
		reply(w, 200, map[string]any{"kind": "HorizontalPodAutoscalerList", "apiVersion": "autoscaling/v2", "items": []any{}})
	case strings.Contains(p, "/leases"):
		a.lease(w, r)
	case strings.HasSuffix(p, "/events"):
		reply(w, 201, map[string]any{"kind": "Event", "apiVersion": "v1"})
	case strings.HasSuffix(p, "/pods"):
		reply(w, 200, map[string]any{"kind": "PodList", "apiVersion": "v1", "items": []any{}})
	case p == "/api/v1":
		reply(w, 200, map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": []any{}})
	default:
		fault(w, 404, "NotFound")
	}
}

func (a *apiServer) meta() map[string]any {
	return map[string]any{"name": "cart", "namespace": "shop", "resourceVersion": fmt.Sprint(a.version)}
}

func (a *apiServer) scale() map[string]any {
	return map[string]any{"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": a.meta(), "spec": map[string]any{"replicas": a.replicas}}
}

func (a *apiServer) write(w http.ResponseWriter, r *http.Request) {
	a.asked++
	if len(a.faults) > 0 {
		f := a.faults[0]
		a.faults = a.faults[1:]
		if f(w, r) {
			return
		}
	}
	s, ok := body(r).(*autoscalingv1.Scale)
	if !ok {
		fault(w, 400, "BadRequest")
		return
	}
	if r.URL.Query().Get("dryRun") == "" {
		a.writes = append(a.writes, fmt.Sprintf("%d->%d", a.replicas, s.Spec.Replicas))
		a.replicas = int(s.Spec.Replicas)
		a.version++
	}
	reply(w, 200, a.scale())
}

func (a *apiServer) lease(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if r.Method == http.MethodGet {
		if o := a.objects[name]; o != nil {
			reply(w, 200, o)
			return
		}
		fault(w, 404, "NotFound")
		return
	}
	o, ok := body(r).(*coordinationv1.Lease)
	if !ok {
		fault(w, 400, "BadRequest")
		return
	}
	if old := a.objects[o.Name]; old != nil && old.ResourceVersion != o.ResourceVersion {
		fault(w, 409, "Conflict")
		return
	}
	a.version++
	o.ResourceVersion = fmt.Sprint(a.version)
	o.Kind, o.APIVersion = "Lease", "coordination.k8s.io/v1"
	a.objects[o.Name] = o
	reply(w, 200, o)
}

// body is the object of a request, JSON or protobuf; nil: it is neither.
func body(r *http.Request) runtime.Object {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	o, _, err := scheme.Codecs.UniversalDeserializer().Decode(b, nil, nil)
	if err != nil {
		return nil
	}
	return o
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(body)
}

func fault(w http.ResponseWriter, code int, reason string) {
	reply(w, code, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": reason})
}

func answers(code int, reason string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { fault(w, code, reason); return true }
}

func kubeconfigFile(t *testing.T, url string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"u","user":{}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}`, url)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLiveKubeFaults: the API server answers a write with a conflict, too many
// requests, an error, a broken connection, and nothing within the time there is; then
// it works. The deployment is scaled once, with the election on, and no span was lost.
func TestLiveKubeFaults(t *testing.T) {
	api := &apiServer{replicas: 3, version: 1, objects: map[string]*coordinationv1.Lease{}}
	hang := make(chan bool)
	api.faults = []func(http.ResponseWriter, *http.Request) bool{
		answers(409, "Conflict"), answers(500, "InternalError"), answers(503, "ServiceUnavailable"),
		func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "1")
			fault(w, 429, "TooManyRequests")
			return true
		},
		func(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, r *http.Request) bool {
			api.mu.Unlock()
			defer api.mu.Lock()
			io.Copy(io.Discard, r.Body)
			select {
			case <-hang:
			case <-r.Context().Done():
			}
			return true
		},
	}
	srv := httptest.NewServer(api)
	defer srv.Close()
	defer close(hang)
	l := startLive(t, "--rules", rulesFile(t), "--cold", "--act", "--kubeconfig", kubeconfigFile(t, srv.URL), "--namespace", "shop", "--act-timeout", "2s")
	l.export(0, 5, 300*time.Millisecond)
	l.wait("the deployment is scaled", func() bool {
		api.mu.Lock()
		defer api.mu.Unlock()
		return len(api.writes) > 0
	})
	l.export(100, 5, 300*time.Millisecond)
	l.wait("the cooldown holds the next one", func() bool {
		_, text := l.get("/api/status")
		return strings.Contains(text, `"reason":"cooldown"`) && strings.Contains(text, `"spans":10`)
	})
	l.stop()
	api.mu.Lock()
	defer api.mu.Unlock()
	if len(api.writes) != 1 || api.writes[0] != "3->5" || len(api.faults) > 0 {
		t.Errorf("writes %q after %d tries, %d faults left: want one, 3->5, after all faults", api.writes, api.asked, len(api.faults))
	}
}

// TestLiveKubeSlow: the API server does not answer a write for as long as the test
// likes. Spans are acknowledged meanwhile, the metrics are served, no second action is
// tried; when the answer comes, there was one action.
func TestLiveKubeSlow(t *testing.T) {
	api := &apiServer{replicas: 3, version: 1, objects: map[string]*coordinationv1.Lease{}}
	asked, answered := make(chan bool), make(chan bool)
	api.faults = []func(http.ResponseWriter, *http.Request) bool{
		func(http.ResponseWriter, *http.Request) bool {
			api.mu.Unlock()
			defer api.mu.Lock()
			close(asked)
			<-answered
			return false
		},
	}
	srv := httptest.NewServer(api)
	defer srv.Close()
	release := sync.OnceFunc(func() { close(answered) })
	defer release()
	l := startLive(t, "--rules", rulesFile(t), "--cold", "--act", "--kubeconfig", kubeconfigFile(t, srv.URL), "--namespace", "shop",
		"--act-timeout", "1m", "--state", t.TempDir(), "--snapshot-every", "10ms")
	l.export(0, 5, 300*time.Millisecond)
	<-asked
	for i := range 20 { // each returns when it was acknowledged
		l.export(100+10*i, 5, 300*time.Millisecond)
	}
	if code, text := l.get("/metrics"); code != 200 || !strings.Contains(text, "scale_eval_") {
		t.Errorf("metrics: %d", code)
	}
	api.mu.Lock()
	if api.asked != 1 || len(api.writes) != 0 {
		t.Errorf("%d tries, writes %q before the answer", api.asked, api.writes)
	}
	api.mu.Unlock()
	release()
	l.wait("the cooldown holds the next one", func() bool {
		_, text := l.get("/api/status")
		return strings.Contains(text, `"reason":"cooldown"`) && strings.Contains(text, `"spans":105`)
	})
	l.stop()
	if len(api.writes) != 1 || api.writes[0] != "3->5" {
		t.Errorf("writes %q, want one, 3->5", api.writes)
	}
}
