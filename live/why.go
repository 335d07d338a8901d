package live

import (
	"fmt"
	"strings"
	"time"
)

// MaxTraceIDs is how many trace ids an explanation carries.
const MaxTraceIDs = 8

// Why explains an action: what was seen, over which window, and what it displaced.
// It is data first; String is for people.
type Why struct {
	Rule      string `json:"rule"`
	Condition string `json:"condition"`         // as the rule says it, e.g. "latency > 500ms, 10 times within 1m0s"
	Service   string `json:"service,omitempty"` // whose spans broke the rule
	Call      string `json:"call,omitempty"`    // set when the rule counts by call

	WindowStart int64 `json:"window_start,omitempty"` // ns since the Unix epoch, excluded
	WindowEnd   int64 `json:"window_end,omitempty"`   // included
	Count       int64 `json:"count,omitempty"`        // spans over the threshold
	Need        int64 `json:"need,omitempty"`         // how many the rule wants
	Spans       int64 `json:"spans,omitempty"`        // all spans in the window, where the rule counts them

	ThresholdNs int64   `json:"threshold_ns,omitempty"`
	MedianNs    int64   `json:"median_ns,omitempty"` // of the spans over the threshold
	MaxNs       int64   `json:"max_ns,omitempty"`
	BurnLong    float64 `json:"burn_long,omitempty"` // SLO: budget burn rates
	BurnShort   float64 `json:"burn_short,omitempty"`

	TraceIDs   []string    `json:"trace_ids,omitempty"` // at most MaxTraceIDs, newest first
	Blame      *Blame      `json:"blame,omitempty"`
	Bottleneck *Bottleneck `json:"bottleneck,omitempty"`
	Load       *Load       `json:"load,omitempty"`
	Folded     []Fold      `json:"folded,omitempty"`
	Notes      []string    `json:"notes,omitempty"` // what guards changed, in the order they ran
}

// Fold is an action that lost to, or was the same as, the one that it is listed in.
type Fold struct {
	Rule      string    `json:"rule"`
	Service   string    `json:"service"` // whose spans broke the rule
	Kind      Kind      `json:"kind"`
	Direction Direction `json:"direction"`
	Wanted    string    `json:"wanted"`
	Because   string    `json:"because"`
}

// String is one paragraph that an operator can read in a Kubernetes event.
func (w *Why) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %s: %s", w.Rule, w.Condition)
	if w.Service != "" {
		fmt.Fprintf(&b, "; %s", w.subject())
	}
	w.writeCounts(&b)
	if w.Blame != nil {
		fmt.Fprintf(&b, "; %s", w.Blame)
	}
	if w.Bottleneck != nil {
		fmt.Fprintf(&b, "; %s", w.Bottleneck)
	}
	if w.Load != nil {
		fmt.Fprintf(&b, "; %s", w.Load)
	}
	for _, n := range w.Notes {
		fmt.Fprintf(&b, "; %s", n)
	}
	for _, f := range w.Folded {
		fmt.Fprintf(&b, "; folds %s on %s (%s %s, wanted %s: %s)", f.Rule, f.Service, f.Kind, f.Direction, f.Wanted, f.Because)
	}
	return b.String()
}

func (w *Why) subject() string {
	if w.Call != "" {
		return w.Call
	}
	return w.Service
}

func (w *Why) writeCounts(b *strings.Builder) {
	switch {
	case w.BurnLong > 0:
		fmt.Fprintf(b, " burns %.3g (long) and %.3g (short) budgets, %d of %d spans bad", w.BurnLong, w.BurnShort, w.Count, w.Spans)
	case w.Spans > 0 && w.Count == 0:
		fmt.Fprintf(b, " %d spans", w.Spans)
	case w.Spans > 0:
		fmt.Fprintf(b, " %d of %d spans", w.Count, w.Spans)
	case w.Need > 0:
		fmt.Fprintf(b, " %d spans, needs %d", w.Count, w.Need)
	}
	if w.ThresholdNs > 0 && w.Count > 0 && w.MaxNs > 0 {
		fmt.Fprintf(b, " over %v (median %v, max %v)", time.Duration(w.ThresholdNs), time.Duration(w.MedianNs), time.Duration(w.MaxNs))
	}
}
