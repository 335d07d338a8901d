package training_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live/training"
)

var quiet = slog.New(slog.DiscardHandler)

func get(t *testing.T, c training.Client, address string) ([]byte, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c.Wait = time.Millisecond
	return c.Get(t.Context(), u, "application/json")
}

// TestClientRepeats: which answers are worth another try, and which are not.
func TestClientRepeats(t *testing.T) {
	for _, tc := range []struct {
		name  string
		codes []int // one an attempt; the last one stays
		tries int32
		code  int // of the error; 0: none
	}{
		{"fine", []int{200}, 1, 0},
		{"busy, then fine", []int{503, 429, 500, 200}, 4, 0},
		{"always busy", []int{503}, 5, 503},
		{"wrong query", []int{400}, 1, 400},
		{"no such trace", []int{404}, 1, 404},
		{"not allowed", []int{401}, 1, 401},
	} {
		var n atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			i := int(n.Add(1)) - 1
			w.WriteHeader(tc.codes[min(i, len(tc.codes)-1)])
			fmt.Fprint(w, "answer")
		}))
		b, err := get(t, training.Client{}, srv.URL+"/api?q=secret")
		srv.Close()
		if n.Load() != tc.tries {
			t.Errorf("%s: %d tries, want %d", tc.name, n.Load(), tc.tries)
		}
		var status *training.StatusError
		switch {
		case tc.code == 0:
			if err != nil || string(b) != "answer" {
				t.Errorf("%s: %q, %v", tc.name, b, err)
			}
		case !errors.As(err, &status) || status.Code != tc.code:
			t.Errorf("%s: %v, want a status %d", tc.name, err, tc.code)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error shows the query: %v", tc.name, err)
		}
	}
}

// TestClientWaits: Retry-After is longer than our own pause, and the context cuts
// the wait short.
func TestClientWaits(t *testing.T) {
	var n atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		cancel()
	}))
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	c := training.Client{Wait: time.Millisecond}
	if _, err := c.Get(ctx, u, ""); !errors.Is(err, context.Canceled) || n.Load() != 1 {
		t.Errorf("%v after %d tries: want the context's error after one", err, n.Load())
	}
}

// TestClientBoundsAnswer: an answer without an end is cut off, and not asked for again.
func TestClientBoundsAnswer(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		w.Write(make([]byte, 1000))
	}))
	defer srv.Close()
	if _, err := get(t, training.Client{MaxAnswer: 999}, srv.URL); err == nil || !strings.Contains(err.Error(), "999 bytes") || n.Load() != 1 {
		t.Errorf("%v after %d tries", err, n.Load())
	}
	if b, err := get(t, training.Client{MaxAnswer: 1000}, srv.URL); err != nil || len(b) != 1000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// TestSlicesSeeEverything compares the walk with the obvious: all spans of the
// windows from the end back, whatever the limit of an answer is.
func TestSlicesSeeEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		seconds, limit, want := 1+r.IntN(200), 1+r.IntN(30), 1+r.IntN(300)
		var starts []int64
		for range r.IntN(400) {
			starts = append(starts, int64(r.IntN(seconds))*1e9+int64(r.IntN(1e9)))
		}
		full := map[int64]int{} // spans in a second
		for _, s := range starts {
			full[s/1e9]++
		}
		q := training.Query{From: time.Unix(0, 0), To: time.Unix(int64(seconds), 0), Limit: want}
		b, err := training.Slices(t.Context(), q, time.Duration(1+r.IntN(100))*time.Second, func(_ context.Context, w training.Window) (*training.Batch, bool, error) {
			b := &training.Batch{}
			r.Shuffle(len(starts), func(i, k int) { starts[i], starts[k] = starts[k], starts[i] })
			for _, s := range starts {
				if s >= w.From.UnixNano() && s < w.To.UnixNano() && len(b.Spans) < limit {
					b.Spans = append(b.Spans, trace.Span{Start: s})
				}
			}
			return b, len(b.Spans) == limit, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		truncated := false
		for _, n := range full {
			truncated = truncated || n >= limit
		}
		if truncated {
			continue // a second with more than an answer holds: only the note can tell
		}
		slices.Sort(starts)
		got := []int64{}
		for _, s := range b.Spans {
			got = append(got, s.Start)
		}
		slices.Sort(got)
		tail := starts[len(starts)-min(len(got), len(starts)):]
		if len(got) < min(want, len(starts)) || !slices.Equal(got, tail) || len(b.Notes) > 0 {
			t.Fatalf("round %d: %d spans of %d, want the latest %d at least, without a gap; notes %q", round, len(got), len(starts), want, b.Notes)
		}
	}
}

// TestSlicesSayWhatTheyMiss: a second with more traces than an answer may hold.
func TestSlicesSayWhatTheyMiss(t *testing.T) {
	q := training.Query{From: time.Unix(0, 0), To: time.Unix(8, 0), Limit: 1000}
	b, err := training.Slices(t.Context(), q, time.Hour, func(_ context.Context, w training.Window) (*training.Batch, bool, error) {
		return &training.Batch{Spans: make([]trace.Span, 3)}, true, nil
	})
	if err != nil || len(b.Spans) != 24 || len(b.Notes) != 1 || !strings.Contains(b.Notes[0], "8 windows") {
		t.Errorf("%d spans, notes %q, %v: want 24 spans of 8 cut windows, and to be told", len(b.Spans), b.Notes, err)
	}
}

// memory is a source of spans at hand.
type memory struct {
	spans []trace.Span
	err   error
}

func (m *memory) String() string { return "memory" }
func (m *memory) Fetch(context.Context, training.Query) (*training.Batch, error) {
	if m.err != nil {
		return nil, m.err
	}
	return &training.Batch{Spans: slices.Clone(m.spans)}, nil
}

func spans(n int) []trace.Span {
	r := rand.New(rand.NewPCG(3, 4))
	out := make([]trace.Span, n)
	for i := range out {
		out[i] = trace.Span{TraceID: trace.TraceID{Hi: 1, Lo: uint64(i / 4)}, ID: trace.SpanID(i + 1), Service: "cart", Operation: fmt.Sprint("op", i%5),
			Start: int64(i/2) * 1e6, Duration: 1e6 + int64(r.IntN(1e6))}
	}
	return out
}

func job(s training.Source, size int) training.Job {
	return training.Job{Source: s, MaxCalls: 100, Size: size, Range: time.Hour, New: func(c *trace.Calls) (training.Model, error) {
		cfg := hst.DefaultAdaptiveConfig(hst.NewSeed(1))
		cfg.Calls = c
		return hst.NewAdaptive(cfg)
	}}
}

// TestTrainIsRepeatable: rows in another order, and some twice, give the same bytes;
// the latest Size spans are the ones that count.
func TestTrainIsRepeatable(t *testing.T) {
	now := time.Unix(100, 0)
	all := spans(3000)
	first, err := training.Train(t.Context(), job(&memory{spans: all}, 2000), now)
	if err != nil {
		t.Fatal(err)
	}
	if first.Spans != 2000 || first.Calls != 5 || first.First.UnixNano() != all[1000].Start {
		t.Errorf("trained on %d spans of %d calls from %v", first.Spans, first.Calls, first.First)
	}
	mixed := append(slices.Clone(all), all[500:2500]...)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(mixed), func(i, k int) { mixed[i], mixed[k] = mixed[k], mixed[i] })
	again, err := training.Train(t.Context(), job(&memory{spans: mixed}, 2000), now)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("another order gave another model (digests %s and %s): %v", first.Digest, again.Digest, err)
	}
	// The model fits a table of calls that has others in front.
	calls := trace.NewCalls(100, nil)
	calls.Of("other", "call")
	if _, err := hst.RestoreAdaptive(first.Model, calls, 1<<30); err != nil {
		t.Error(err)
	}
}

// TestTrainRefusesTooLittle: a model that is not ready keeps nothing or everything.
func TestTrainRefusesTooLittle(t *testing.T) {
	for _, n := range []int{0, 100} {
		_, err := training.Train(t.Context(), job(&memory{spans: spans(n)}, 2000), time.Now())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(n, " spans")) || !strings.Contains(err.Error(), "cold") {
			t.Errorf("%d spans: %v", n, err)
		}
	}
}

// TestTrainerGoesOn: a source that is down at start is asked until it is up; with a
// schedule, a failure keeps the model and the next training comes.
func TestTrainerGoesOn(t *testing.T) {
	source := &flaky{memory: memory{spans: spans(3000)}, fails: map[int32]bool{1: true, 2: true, 4: true}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trainer := &training.Trainer{Job: job(source, 2000), Every: time.Millisecond, Retry: time.Millisecond, Log: quiet}
	var uses []int32
	trainer.Run(ctx, func(tr *training.Trained) {
		uses = append(uses, source.n.Load())
		if n, err := trainer.Failures(); err != nil || n != int64(source.n.Load())-int64(len(uses)) {
			t.Errorf("failures %d, %v after %d trainings", n, err, source.n.Load())
		}
		if len(uses) == 3 {
			cancel()
		}
	})
	if !slices.Equal(uses, []int32{3, 5, 6}) {
		t.Errorf("models came from trainings %v, want 3, 5, 6", uses)
	}
}

// flaky fails some fetches, by number.
type flaky struct {
	memory
	n     atomic.Int32
	fails map[int32]bool
}

func (f *flaky) Fetch(ctx context.Context, q training.Query) (*training.Batch, error) {
	if n := f.n.Add(1); f.fails[n] {
		return nil, errors.New("connection refused")
	}
	return f.memory.Fetch(ctx, q)
}

// TestTrainerStops: without a schedule it ends after the first model, and a context
// that ends stops the retries.
func TestTrainerStops(t *testing.T) {
	n := 0
	(&training.Trainer{Job: job(&memory{spans: spans(3000)}, 2000), Log: quiet}).Run(t.Context(), func(*training.Trained) { n++ })
	if n != 1 {
		t.Errorf("%d models", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	source := &flaky{fails: map[int32]bool{1: true}}
	done := make(chan bool)
	go func() {
		(&training.Trainer{Job: job(source, 2000), Retry: time.Hour, MaxRetry: time.Hour, Log: quiet}).Run(ctx, func(*training.Trained) { t.Error("a model") })
		close(done)
	}()
	cancel()
	<-done
}

// TestSwap: no model is a warm-up, and a model answers for itself.
func TestSwap(t *testing.T) {
	var s training.Swap
	span := spans(1)[0]
	s.Learn(&span)
	if d := s.Sample(&span); !d.WarmUp || d.Keep {
		t.Errorf("without a model: %+v", d)
	}
	calls := trace.NewCalls(10, nil)
	m, err := job(nil, 1).New(calls)
	if err != nil {
		t.Fatal(err)
	}
	s.Set(m)
	for range 5 {
		for _, sp := range spans(2000) {
			sp.Call = calls.Of(sp.Service, sp.Operation)
			s.Learn(&sp)
		}
	}
	if !m.Ready() || s.Model() != m {
		t.Error("the model did not learn")
	}
	if d := s.Sample(&span); d.WarmUp {
		t.Errorf("with a model: %+v", d)
	}
}
