package signal_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/signal"
)

var cart = live.Target{Kind: "deployment", Namespace: "shop", Name: "cart"}

// has is a cluster where cart has so many replicas; below 0: it does not answer.
type has struct{ n int }

func (h *has) Current(context.Context, live.Target) (live.State, error) {
	if h.n < 0 {
		return live.State{}, errors.New("no answer")
	}
	return live.State{Replicas: h.n}, nil
}
func (h *has) Scale(context.Context, live.Action) error { panic("a signal writes nothing") }

// TestValue: the number follows decisions, and never falls for want of spans.
func TestValue(t *testing.T) {
	h := &has{4}
	s := signal.New(h)
	value := func(why string, want int, frozen bool) {
		t.Helper()
		if n, f, err := s.Value(t.Context(), cart); err != nil || n != want || f != frozen {
			t.Errorf("%s: %d, frozen %v, %v; want %d, %v", why, n, f, err, want, frozen)
		}
	}
	scale := func(to int, dry bool) {
		t.Helper()
		if err := s.Scale(t.Context(), live.Action{Target: cart, To: to, DryRun: dry}); err != nil {
			t.Fatal(err)
		}
	}
	value("after a restart it wants what there is", 4, false)
	scale(7, true)
	value("a dry run is no wish", 4, false)
	scale(6, false)
	value("an action is", 6, false)
	scale(2, false)
	value("down, too", 2, false)
	s.SetSilent(true)
	value("silence while 4 run and 2 were wanted: 4", 4, true)
	h.n = 1
	value("silence while 1 runs and 2 were wanted: 2", 2, true)
	h.n = -1
	if _, _, err := s.Value(t.Context(), cart); err == nil {
		t.Error("silence, and the cluster does not answer: want an error, not a number")
	}
	s.SetSilent(false)
	value("spans are back", 2, false)
	if err := s.Scale(t.Context(), live.Action{Target: cart, Kind: live.Vertical}); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// TestExternalMetrics: what an autoscaler reads, in Kubernetes' own types.
func TestExternalMetrics(t *testing.T) {
	h := &has{4}
	api := signal.ExternalMetrics(signal.New(h))
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest("GET", "/apis/external.metrics.k8s.io/v1beta1"+path, nil))
		return w.Code, w.Body.String()
	}
	code, text := get("/namespaces/shop/scale-eval-replicas?labelSelector=name%3Dcart")
	var list v1beta1.ExternalMetricValueList
	if err := json.Unmarshal([]byte(text), &list); err != nil || code != 200 || len(list.Items) != 1 || list.Items[0].Value.Value() != 4 || list.Items[0].Timestamp.IsZero() {
		t.Errorf("%d %s %v", code, text, err)
	}
	if code, text := get(""); code != 200 || !strings.Contains(text, `"scale-eval-replicas"`) {
		t.Errorf("%d %s", code, text)
	}
	for path, want := range map[string]int{"/namespaces/shop/other": 404, "/namespaces/shop/scale-eval-replicas": 400, "/namespaces/shop/scale-eval-replicas?labelSelector=a%3D%3D%3D": 400} {
		if code, text := get(path); code != want || !strings.Contains(text, `"kind":"Status"`) {
			t.Errorf("%s: %d %s, want %d", path, code, text, want)
		}
	}
	h.n = -1
	if code, _ := get("/namespaces/shop/scale-eval-replicas?labelSelector=name%3Dcart"); code != 503 {
		t.Errorf("unknown: %d", code)
	}
}
