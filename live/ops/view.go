package ops

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/training"
)

// View is what a live process looks like after a tick. Published views are not
// changed any more.
type View struct {
	At       time.Time         `json:"at"`
	Started  time.Time         `json:"started"`
	Mode     string            `json:"mode"` // "dry-run" or "acting"
	Leading  bool              `json:"leading"`
	Ready    bool              `json:"ready"`
	Draining bool              `json:"draining"`
	Silent   bool              `json:"silent"`
	Model    string            `json:"model"` // "warming up", "trained", "cold" or "restored"
	Trained  *training.Trained `json:"trained,omitempty"`
	Counters live.Counters     `json:"counters"`
	Receiver otlp.Counters     `json:"receiver"`
	Calls    []CallView        `json:"calls"`     // the busiest, at most MaxCalls
	Done     []Noted           `json:"actions"`   // carried out or failed, newest first
	Held     []Noted           `json:"decisions"` // the others, newest first
	Reloads  Reloads           `json:"reloads"`
	Problems []string          `json:"problems,omitempty"`

	TrainingFailures int64     `json:"training_failures"`
	SnapshotFailures int64     `json:"snapshot_failures"`
	SnapshotAt       time.Time `json:"snapshot_at"`
}

// Bounds of a View: of its calls, and of each list of decisions.
const (
	MaxCalls     = 100
	MaxDecisions = 100
)

// Reloads counts what became of changed rule files.
type Reloads struct {
	Good int64 `json:"good"`
	Bad  int64 `json:"bad"`
}

// CallView is one call. Durations are ns, 0 while unknown.
type CallView struct {
	Call     string  `json:"call"` // service::operation
	Count    int64   `json:"count"`
	Sampled  int64   `json:"sampled"`
	Errors   int64   `json:"errors"`
	Rate     float64 `json:"rate"`      // spans a second
	Scale    float64 `json:"scale"`     // the baseline: median of ordinary spans
	P50      float64 `json:"p50"`       // location of all spans
	P99      float64 `json:"p99"`       //
	SlowerBy float64 `json:"slower_by"` // CUSUM; live.CusumAlarm and more: a change
	// Threshold is the least duration that is sampled now; 0: the sampler has none.
	Threshold int64 `json:"threshold"`
	id        trace.Call
}

// Calls are the busiest calls of a pipeline, in its own goroutine. threshold gives
// CallView.Threshold; nil: there is none.
func Calls(p *live.Pipeline, threshold func(trace.Call) time.Duration) []CallView {
	var out []CallView
	p.Stats(func(c live.CallStats) {
		v := CallView{id: c.Call, Call: c.Service + "::" + c.Operation, Count: c.Count, Sampled: c.Sampled, Errors: c.Errors, Rate: c.Rate, SlowerBy: c.CusumUp}
		if c.Baseline == c.Baseline { // not NaN
			v.Scale = c.Baseline
		}
		if q, err := c.Sketch.GetValuesAtQuantiles([]float64{.5, .99}); err == nil {
			v.P50, v.P99 = q[0], q[1]
		}
		out = append(out, v)
	})
	slices.SortStableFunc(out, func(a, b CallView) int { return int(min(max(b.Count-a.Count, -1), 1)) })
	out = out[:min(len(out), MaxCalls)]
	for i := range out {
		if threshold != nil {
			out[i].Threshold = int64(threshold(out[i].id))
		}
	}
	return out
}

// Board holds the last View. Safe for concurrent use.
type Board struct {
	mu   sync.Mutex
	view View
}

// Publish replaces the view.
func (b *Board) Publish(v View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view = v
}

// View is the last one.
func (b *Board) View() View {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view
}

// Health answers /healthz and /readyz from the views of a Board.
type Health struct {
	Board *Board
	// Stale is how old the last view may be before the process is not alive.
	Stale time.Duration
	Now   func() time.Time
}

// Alive is /healthz: 503 when the judge has not ticked for Stale.
func (h Health) Alive(w http.ResponseWriter, _ *http.Request) {
	if age := h.Now().Sub(h.Board.View().At); age > h.Stale {
		http.Error(w, "no tick for "+age.Round(time.Millisecond).String(), http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n"))
}

// Ready is /readyz: 503 while there is no model, and while it drains.
func (h Health) Ready(w http.ResponseWriter, _ *http.Request) {
	v := h.Board.View()
	switch {
	case v.Draining:
		http.Error(w, "draining", http.StatusServiceUnavailable)
	case !v.Ready:
		http.Error(w, "not trained yet", http.StatusServiceUnavailable)
	default:
		w.Write([]byte("ok\n"))
	}
}
