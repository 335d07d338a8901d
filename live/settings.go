package live

import (
	"errors"
	"fmt"
	"time"
)

// Caps that no setting changes.
const (
	// MaxName is the longest service or operation name in bytes; the rest is cut.
	MaxName = 512
	// MaxWindow is how many breaches one window of one rule keeps.
	MaxWindow = 1 << 16
	// maxTotals is how many spans the window of a share rule keeps.
	maxTotals = 1 << 20
)

// Settings are the bounds of a pipeline. DefaultSettings has the defaults.
type Settings struct {
	// Lateness is how long after its end a span may come and still be counted for
	// sure. Longer: slower collectors are covered, and a burst that is over keeps
	// firing for that long. Default 10 s.
	Lateness time.Duration
	// Skew is how far ahead of the pipeline's time a span may end: the clocks' difference
	// and the time since the last Tick or Advance. Default 30 s. Spans further ahead are
	// refused.
	Skew time.Duration
	// TraceWait is how long a trace must be quiet before it is closed. Default 10 s.
	TraceWait time.Duration
	// SilenceAfter is how long without an admitted span before every action is held.
	// Default 1 min; 0: never.
	SilenceAfter time.Duration
	// BaselineWindow is the stretch that a call's baseline rests on. Default 1 h.
	BaselineWindow time.Duration
	// MaxCalls is how many calls are tracked; the rest share one. Default 10 000.
	MaxCalls int
	// MaxBufferedSpans bounds the trace buffer, 40 to 210 bytes a span. Default 262 144.
	MaxBufferedSpans int
	// MaxTraceSpans bounds one trace in it. Default 4 096.
	MaxTraceSpans int
	// DryRun makes every action a dry run.
	DryRun bool
}

// DefaultSettings are the values stated at the fields.
func DefaultSettings() Settings {
	return Settings{
		Lateness: 10 * time.Second, Skew: 30 * time.Second, TraceWait: 10 * time.Second,
		SilenceAfter: time.Minute, BaselineWindow: time.Hour,
		MaxCalls: 10_000, MaxBufferedSpans: 1 << 18, MaxTraceSpans: 4096,
	}
}

// Validate reports every field that is out of range, joined.
func (s *Settings) Validate() error {
	var errs []error
	least := func(field string, v, least int64) {
		if v < least {
			errs = append(errs, &FieldError{field, fmt.Sprintf("want %d or more, found %d", least, v)})
		}
	}
	least("lateness", int64(s.Lateness), 0)
	least("skew", int64(s.Skew), 0)
	least("trace_wait", int64(s.TraceWait), 0)
	least("silence_after", int64(s.SilenceAfter), 0)
	least("baseline_window", int64(s.BaselineWindow), int64(time.Second))
	least("max_calls", int64(s.MaxCalls), 1)
	least("max_buffered_spans", int64(s.MaxBufferedSpans), 1)
	least("max_trace_spans", int64(s.MaxTraceSpans), 1)
	return errors.Join(errs...)
}

// TargetSpec is a target, the services that it runs, and its guards.
type TargetSpec struct {
	Target    Target
	Services  []string // at least one
	Container string   // of vertical actions; "": the first
	Guard     Guard
	Schedule  []ScheduledBounds // the first that contains now replaces Guard.Min and Max
}

// ScheduledBounds are replica bounds for a period.
type ScheduledBounds struct {
	Period   Period
	Min, Max int
}

// Guard limits what may be done to a target. The zero value limits nothing.
type Guard struct {
	Min, Max int // replicas; Max 0: no upper bound
	// Resources bounds requests and limits: milli-cores, bytes; 0: no bound.
	Resources [2]struct{ Min, Max int64 } // by Resource
	// CooldownUp and CooldownDown are the least time since the last action on the
	// target, of either direction, before the next one up or down.
	CooldownUp, CooldownDown time.Duration
	// StabiliseUp and StabiliseDown: act only on what was wanted at every tick for
	// that long, by the mildest amount, as the HPA does.
	StabiliseUp, StabiliseDown time.Duration
	// Limits bound how much may change how fast; the tightest counts.
	Limits []RateLimit
}

// RateLimit bounds the change of one direction over a sliding window. Exactly one
// of the amounts is set.
type RateLimit struct {
	Direction Direction
	Replicas  int     // added or removed
	Percent   float64 // of the replicas at the start of the window
	Actions   int     // of either kind
	Per       time.Duration
}

// RuleSet is a rule file: everything but where spans come from and actions go.
type RuleSet struct {
	Settings Settings
	Targets  []TargetSpec
	Rules    []RuleSpec
	// Default guards targets that are not listed.
	Default Guard
	// ListedOnly holds actions on services that no target lists. Otherwise the
	// orchestrator is asked to find the workload of any service that sent spans.
	ListedOnly bool
}
