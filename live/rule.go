package live

import (
	"errors"
	"fmt"
	"time"
)

// Rule watches spans and says what it wants done. [RuleSpec] makes the rules of
// rule files; a rule written in Go implements the interface and goes into
// [Options.Extra].
type Rule interface {
	// Observe sees an admitted span, with its Call and Decision set. The span is
	// reused: it is valid during the call.
	Observe(s *Span)
	// Evaluate returns what the rule wants at now, ns since the Unix epoch. The
	// pipeline completes the actions: a zero Target is that of the Service.
	Evaluate(now int64) []Action
}

// Selection is which spans can break a rule.
type Selection uint8

const (
	// Sampled spans only: those the sampler kept, as in the paper.
	Sampled Selection = iota
	// All spans, whatever the sampler says.
	All
)

// Grouping is what a rule counts by.
type Grouping uint8

const (
	// ByService counts the matching spans of each service.
	ByService Grouping = iota
	// ByCall counts each service::operation.
	ByCall
	// ByRule counts all matching spans together; Then.Target says what to scale.
	ByRule
)

// BlameMode is what becomes of an action when another service is the cause.
type BlameMode uint8

const (
	// BlameRedirect moves it to the cause.
	BlameRedirect BlameMode = iota
	// BlameSuppress drops it: the cause has rules of its own.
	BlameSuppress
	// BlameOff does not ask.
	BlameOff
)

// RuleSpec is one rule as data. Validate says what its fields must hold.
type RuleSpec struct {
	Name     string
	Match    Match
	When     Condition
	By       Grouping
	Spans    Selection
	Blame    BlameMode
	Then     Response
	Calm     *Calm    // nil: the rule never scales down
	NotWhile []string // services; hold while one of them is a cause or is being scaled up
	// Settle, if above 0, is the time that a target needs after a change took effect:
	// pods warm up, a backlog drains. After an action on a target, by whichever rule, this
	// one acts on it only on spans that ended after the change was effective (as many
	// replicas ready as wanted) and Settle had passed. 0: the guards of the target alone
	// say when.
	Settle   time.Duration
	Priority int // higher wins a conflict of equal direction
	DryRun   bool
	Active   []Period // nil: always
}

// Condition is when a rule fires: one threshold and one way to count.
type Condition struct {
	// Latency is an absolute threshold; a span longer than it breaks the rule.
	Latency time.Duration
	// Multiple, if above 0, makes the threshold Multiple times the Quantile of the
	// call's own baseline, once that rests on MinBaseline spans.
	Multiple    float64
	Quantile    float64
	MinBaseline int64
	// Errors makes spans with error status break the rule, too.
	Errors bool

	// Times within Window fires a count rule (equation 4 of the paper).
	Times  int
	Window time.Duration
	// Share, if above 0, fires when more than this part of the spans in Window
	// breaks the rule, of at least MinSpans.
	Share    float64
	MinSpans int64
	// SLO, if set, fires on burn rates instead.
	SLO *SLO
	// Always fires at every tick with at least MinSpans spans in Window: for
	// responses that track a target concurrency.
	Always bool
}

// SLO is a service level objective: Objective of all spans, e.g. 0.999, must stay
// below the threshold. It fires when any of Burns does.
type SLO struct {
	Objective float64
	Burns     []Burn
}

// Burn fires when the error budget burns at least Rate times as fast as allowed
// over both windows. The long one says that it matters, the short one that it still
// happens (Google's SRE workbook, chapter 5, "multiwindow, multi-burn-rate").
//
// Counts are kept in buckets of a 30th of Short: windows are exact to one bucket.
type Burn struct {
	Long, Short time.Duration
	Rate        float64
}

// Response is what a rule asks for when it fires.
type Response struct {
	// Target overrides the target of the service that is to blame.
	Target     Target
	Kind       Kind // Auto needs both Horizontal and Vertical
	Horizontal *HorizontalResponse
	Vertical   []ResourceAmount
}

// HorizontalResponse is one of three: an Amount, proportional to the breach, or the
// replicas that bring the concurrency of each to a target.
type HorizontalResponse struct {
	Amount Amount
	// MaxFactor, if above 1, makes the answer proportional: replicas are multiplied
	// by the median breach over the threshold, at most by MaxFactor.
	MaxFactor float64
	// Concurrency, if above 0, wants in-flight / Concurrency replicas, where
	// in-flight is what the arrivals would keep in the service if they did not have
	// to wait, by Little's law; see [Load]. A replica may be any unit of capacity,
	// such as a worker of a queue: then Concurrency is 1 or a little less, and
	// Guard.Max is the most workers there may be.
	Concurrency float64
}

// Calm scales down when a service has been well below the threshold for a while.
type Calm struct {
	// Below is a part of the threshold, 0 to 1: no span may be longer than that.
	Below float64
	For   time.Duration
	// MinSpans must have ended within For: silence is not calm.
	MinSpans int64
	Then     Response
}

// Lookback is how long before now a span may have ended and still matter.
func (s *RuleSpec) lookback() time.Duration {
	d := s.When.Window
	if s.Calm != nil {
		d = max(d, s.Calm.For)
	}
	if s.When.SLO != nil {
		for _, b := range s.When.SLO.Burns {
			d = max(d, b.Long)
		}
	}
	return d
}

// Validate reports every field that is out of range, joined.
func (s *RuleSpec) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &FieldError{field, fmt.Sprintf(format, args...)})
	}
	if s.Name == "" {
		bad("name", "want a name; decisions are explained by it")
	}
	if s.Settle < 0 {
		bad("settle", "want a duration of 0 or more, found %v", s.Settle)
	}
	s.When.validate(bad)
	s.Then.validate("then", bad)
	if s.Calm != nil {
		s.Calm.validate(s.When, bad)
	}
	if s.By == ByRule && s.Then.Target.IsZero() && s.Blame != BlameRedirect {
		bad("then.target", "a rule that counts by rule and does not redirect needs a target")
	}
	for i, p := range s.Active {
		if err := p.Validate(); err != nil {
			bad(fmt.Sprintf("active[%d]", i), "%v", err)
		}
	}
	return errors.Join(errs...)
}

// FieldError is one field of a rule or setting that is out of range. Field is its
// path in a rule file, below the rule, e.g. "when.times".
type FieldError struct {
	Field string
	Msg   string // what was found and what is wanted
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Msg }
