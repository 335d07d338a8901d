package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/live"
)

var cart = live.Target{Kind: "vm-group", Namespace: "eu", Name: "cart"}

func action() live.Action {
	return live.Action{Target: cart, Service: "cart", Direction: live.Up, From: 3, To: 5, At: 42, Why: live.Why{Rule: "slow", Condition: "latency > 500ms"}}
}

func serve(t *testing.T, h http.HandlerFunc) *Orchestrator {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	w, err := New(Options{URL: s.URL + "/scale?token=x", Wait: time.Microsecond, Header: http.Header{"Authorization": {"Bearer secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestScalePosts(t *testing.T) {
	var body map[string]any
	var head http.Header
	w := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		head = r.Header.Clone()
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost {
			http.Error(rw, "bad", http.StatusBadRequest)
		}
	})
	a := action()
	a.DryRun = true
	if err := w.Scale(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	if body["from"] != 3.0 || body["to"] != 5.0 || body["direction"] != "up" || !strings.Contains(body["explanation"].(string), "rule slow") {
		t.Errorf("body %v", body)
	}
	if head.Get("Idempotency-Key") != "vm-group/eu/cart@42" || head.Get("X-Scale-Eval-Dry-Run") != "true" || head.Get("Authorization") != "Bearer secret" {
		t.Errorf("header %v", head)
	}
}

func TestAnswers(t *testing.T) {
	for code, want := range map[int]struct {
		tries int
		is    error
	}{200: {1, nil}, 204: {1, nil}, 400: {1, nil}, 404: {1, live.ErrNoTarget}, 409: {1, live.ErrOwned}, 429: {3, nil}, 503: {3, nil}} {
		tries := 0
		w := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
			tries++
			rw.WriteHeader(code)
			_, _ = rw.Write([]byte("because"))
		})
		err := w.Scale(context.Background(), action())
		if (err == nil) != (code < 300) || tries != want.tries || want.is != nil && !errors.Is(err, want.is) {
			t.Errorf("%d: %d tries, %v", code, tries, err)
		}
		if err != nil && !strings.Contains(err.Error(), "because") {
			t.Errorf("%d: the error does not quote the answer: %v", code, err)
		}
		if err != nil && strings.Contains(err.Error(), "token") {
			t.Errorf("the error tells the query: %v", err)
		}
	}
}

func TestCurrent(t *testing.T) {
	answer := `{"replicas": 4}`
	w := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("kind") != "vm-group" || q.Get("name") != "cart" || q.Get("token") != "x" {
			http.Error(rw, "bad query", http.StatusBadRequest)
			return
		}
		_, _ = rw.Write([]byte(answer))
	})
	if s, err := w.Current(context.Background(), cart); err != nil || s.Replicas != 4 || s.Ready != 4 {
		t.Errorf("%+v %v", s, err)
	}
	for _, bad := range []string{"", "{}", "[]", `{"replicas": -1}`, `{"replicas": "4"}`} {
		answer = bad
		if _, err := w.Current(context.Background(), cart); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	w.o.State = live.NewLedger(nil, live.State{Replicas: 9})
	if s, err := w.Current(context.Background(), cart); err != nil || s.Replicas != 9 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestCancelEndsTheWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	w := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
		cancel()
		rw.Header().Set("Retry-After", "60")
		rw.WriteHeader(http.StatusServiceUnavailable)
	})
	if err := w.Scale(ctx, action()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestBadURL(t *testing.T) {
	for _, u := range []string{"", "ftp://x", "http://", "://", "/path"} {
		if _, err := New(Options{URL: u}); err == nil {
			t.Errorf("%q was taken", u)
		}
	}
}
