package live

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomRules are rules of every kind in a few families that share what they see.
func randomRules(rng *rand.Rand, n int) []RuleSpec {
	var rules []RuleSpec
	for i := range n {
		r := RuleSpec{Name: fmt.Sprint("rule-", i), Priority: rng.IntN(3), By: Grouping(rng.IntN(2)), Spans: Selection(rng.IntN(2)), Blame: BlameMode(rng.IntN(3)),
			Then: Response{Horizontal: &HorizontalResponse{Amount: Amount{Step, float64(1 + i)}}}}
		r.Match.Kinds = []SpanKind{KindServer, KindInternal}
		w := &r.When
		w.Latency = time.Duration(1+rng.IntN(6)) * 400 * time.Microsecond
		w.Window = time.Duration(1+rng.IntN(3)) * 7 * time.Second
		w.Errors = rng.IntN(4) == 0
		switch rng.IntN(6) {
		case 0:
			w.Share, w.MinSpans = .1*float64(1+rng.IntN(4)), 5
		case 1:
			w.Window = 0
			w.SLO = &SLO{.9, []Burn{{time.Minute, 10 * time.Second, 1 + rng.Float64()}, {3 * time.Minute, 30 * time.Second, 1}}}
		case 2:
			w.Latency, w.Multiple, w.Quantile, w.MinBaseline, w.Times = 0, 1+rng.Float64(), .5, 20, 3
		default:
			w.Times = 1 + rng.IntN(6)
		}
		if rng.IntN(3) == 0 {
			r.Calm = &Calm{Below: []float64{.5, .8, 1}[rng.IntN(3)], For: time.Duration(5+rng.IntN(3)*5) * time.Second, MinSpans: 1, Then: r.Then}
		}
		if rng.IntN(4) == 0 {
			r.Settle = 3 * time.Second
		}
		if rng.IntN(5) == 0 {
			r.Then.Horizontal = &HorizontalResponse{MaxFactor: 4}
		}
		rules = append(rules, r)
	}
	return rules
}

// alone makes every rule one of a kind, so that none shares a watcher: a kind that is
// named again changes nothing about what matches.
func alone(rules []RuleSpec) []RuleSpec {
	out := slices.Clone(rules)
	for i := range out {
		for range i {
			out[i].Match.Kinds = append(slices.Clip(out[i].Match.Kinds), KindServer)
		}
	}
	return out
}

// TestSharedRulesDecideAsTheyWouldAlone: random rules on random spans; in the
// twin each rule watches for itself. Decisions, reasons, counters and
// audit logs are the same.
func TestSharedRulesDecideAsTheyWouldAlone(t *testing.T) {
	acted, watchers, seeds := int64(0), 0, 8
	if raceEnabled {
		seeds = 2
	}
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 12))
		set := RuleSet{Settings: DefaultSettings(), Rules: randomRules(rng, 12)}
		set.Settings.TraceWait, set.Settings.Lateness = 2*time.Second, 3*time.Second
		set.Default = Guard{Min: 1, Max: 40}
		twin := set
		twin.Rules = alone(set.Rules)
		shared, single := newPlay(t, set), newPlay(t, twin)
		watchers += len(shared.p.watchers)
		if len(single.p.watchers) != len(set.Rules) {
			t.Fatalf("%d watchers of %d rules that are alone", len(single.p.watchers), len(set.Rules))
		}
		now := int64(1e15)
		for range 1500 {
			if rng.IntN(12) == 0 {
				now += rng.Int64N(2 * second)
				shared.tick(t, now)
				single.tick(t, now)
			}
			s := randomSpan(rng, now)
			if e1, e2 := shared.span(*s), single.span(*s); e1 != e2 {
				t.Fatalf("seed %d: %v, alone %v", seed, e1, e2)
			}
		}
		if a, b := shared.out.Bytes(), single.out.Bytes(); !bytes.Equal(a, b) {
			t.Fatalf("seed %d:\n%s", seed, firstDifference(a, b))
		}
		if shared.p.Counters() != single.p.Counters() || shared.audit.String() != single.audit.String() {
			t.Fatalf("seed %d: %+v, alone %+v", seed, shared.p.Counters(), single.p.Counters())
		}
		acted += shared.p.Counters().Acted
	}
	if acted < int64(20*seeds) || watchers > 10*seeds {
		t.Errorf("%d actions, %d watchers of %d rules", acted, watchers, 12*seeds)
	}
}

func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range x {
		if i >= len(y) || !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("tick %d:\n%.3000s\nalone:\n%.3000s", i, x[i], y[i])
		}
	}
	return "one is longer"
}
