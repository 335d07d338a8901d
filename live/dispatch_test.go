package live

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// randomMatch is one of many, some of which no span meets.
func randomMatch(rng *rand.Rand) (m Match) {
	some := func(patterns ...string) Pattern {
		p, err := ParsePattern(patterns[rng.IntN(len(patterns))])
		if err != nil {
			panic(err)
		}
		return p
	}
	m.Service, m.Operation = some("", "", "a", "glob:?", "re:[bc]"), some("", "", "op1", "re:op[0-1]$")
	if rng.IntN(3) == 0 {
		m.Kinds = []SpanKind{KindServer, SpanKind(rng.IntN(6))}
	}
	for range rng.IntN(3) {
		m.Attributes = append(m.Attributes, AttributeMatch{[]string{"zone", "tenant", "none"}[rng.IntN(3)], some("", "v1", "glob:v*", "re:[0-2]$", "x")})
	}
	return m
}

// TestEveryRuleSeesWhatItMatches: rules with random matches on random spans, whose
// attributes have more values than are remembered. What each rule has counted is what
// asking each about each span comes to: spans over the threshold, all spans, and calm.
func TestEveryRuleSeesWhatItMatches(t *testing.T) {
	seeds := uint64(4)
	if raceEnabled {
		seeds = 1
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 10))
		set := RuleSet{Settings: DefaultSettings()}
		step := Response{Horizontal: &HorizontalResponse{Amount: Amount{Step, 1}}}
		for i := range 40 {
			r := RuleSpec{Name: fmt.Sprint(i), Match: randomMatch(rng), Spans: All, Then: step,
				When: Condition{Latency: time.Duration(1+rng.IntN(3)) * time.Millisecond, Times: 60_000, Window: time.Hour}}
			switch rng.IntN(3) {
			case 0:
				r.When.Times, r.When.Share = 0, .5
			case 1:
				r.Calm = &Calm{Below: .5, For: 10 * time.Minute, MinSpans: 1, Then: step}
			}
			r.When.Errors = rng.IntN(4) == 0
			set.Rules = append(set.Rules, r)
		}
		p := newTestPipeline(t, Options{Rules: set})
		over, all := make([]int, 40), make([]int64, 40)
		for i := range 2000 {
			s := randomSpan(rng, 1000*second)
			s.TraceID.Lo, s.ID = uint64(i+1), 1 // no copies
			s.Attributes = []Attribute{{"zone", fmt.Sprint("v", rng.IntN(4))}, {"tenant", fmt.Sprint("v", rng.IntN(3000))}}[rng.IntN(3)/2:]
			if _, err := p.Span(s); err != nil {
				t.Fatal(err)
			}
			for k, r := range set.Rules {
				if !r.Match.call(s.Service, s.Operation) || !r.Match.span(s) {
					continue
				}
				all[k]++
				if s.Duration > int64(r.When.Latency) || r.When.Errors && s.Status == StatusError {
					over[k]++
				}
			}
		}
		p.countNotes()
		for k, r := range p.rules {
			n, spans, calm := r.seen(), int64(0), int64(0)
			for _, g := range r.w.groups {
				spans += int64(g.total.sorted() + len(g.total.fresh))
				if r.spec.Calm != nil {
					calm += r.calmSpans(g, 1000*second)
				}
			}
			if n != over[k] {
				t.Errorf("seed %d, rule %d (%v): %d spans over the threshold, want %d", seed, k, &r.spec.Match, n, over[k])
			}
			if r.totals && spans != all[k] || r.spec.Calm != nil && calm != all[k] {
				t.Errorf("seed %d, rule %d (%v): %d spans, %d for calm, want %d", seed, k, &r.spec.Match, spans, calm, all[k])
			}
		}
	}
}
