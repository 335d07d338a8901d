package live

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// poisson draws by Knuth's method, in parts that exp does not underflow for.
func poisson(rng *rand.Rand, mean float64) (n int64) {
	for ; mean > 0; mean -= 100 {
		for p := rng.Float64(); p > math.Exp(-min(mean, 100)); p *= rng.Float64() {
			n++
		}
	}
	return n
}

// TestJumpsAreFoundAndChanceIsNot: windows of Poisson arrivals. With one rate, a jump
// is seen in fewer than one of a hundred; one of half as much again is seen in all,
// at most one bucket off, but for the last bucket's noise.
func TestJumpsAreFoundAndChanceIsNot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	windows, alarms, missed := 2000, 0, 0
	for range windows {
		steady, jumps := make([]loadCount, 12), make([]loadCount, 12)
		at := 2 + rng.IntN(8)
		for i := range steady {
			steady[i].arrivals = poisson(rng, 200)
			mean := 200.0
			if i >= at {
				mean = 300
			}
			jumps[i].arrivals = poisson(rng, mean)
		}
		if lastJump(steady) != 0 {
			alarms++
		}
		if got := lastJump(jumps); got < at-1 || got > at+1 {
			missed++
		}
	}
	if alarms > windows/100 || missed > windows/100 {
		t.Errorf("%d of %d windows: %d false alarms, %d jumps missed", windows, windows, alarms, missed)
	}
	if lastJump(nil) != 0 || lastJump(make([]loadCount, 5)) != 0 {
		t.Error("a jump in nothing")
	}
}

// TestSettlingOutlivesARestart: what was done goes through Memory, JSON and Remember,
// for both kinds of change.
func TestSettlingOutlivesARestart(t *testing.T) {
	set := testRules()
	slow, large := Target{Kind: "deployment", Name: "slow"}, Target{Kind: "deployment", Name: "large"}
	first := newTestPipeline(t, Options{Rules: set, Orchestrator: NewLedger(nil, State{Replicas: 1})})
	first.targets.state(slow, 0).done.act = &lastAct{at: 5, direction: Up, to: 4, effective: pendingEffect}
	first.targets.state(large, 0).done.act = &lastAct{at: 7, direction: Up, to: -1, effective: 9, changes: []ResourceChange{{Container: "main", Resource: Memory, Limit: true, From: 1, To: 2}}}
	b, err := json.Marshal(first.Memory())
	if err != nil {
		t.Fatal(err)
	}
	var memory []TargetMemory
	if err := json.Unmarshal(b, &memory); err != nil {
		t.Fatal(err)
	}
	second := newTestPipeline(t, Options{Rules: set, Orchestrator: NewLedger(nil, State{Replicas: 1})})
	second.Remember(memory)
	for _, target := range []Target{slow, large} {
		if got, want := second.targets.states[target].done.act, first.targets.states[target].done.act; !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if since, wait := second.targets.settled(large, time.Nanosecond, 100, false); since != 10 || wait != "" {
		t.Errorf("since %d, wait %q", since, wait)
	}
	if _, wait := second.targets.settled(slow, 0, 100, false); wait == "" {
		t.Error("a change that is not effective is not waited for")
	}
}
