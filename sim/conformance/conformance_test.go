package conformance

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scale-eval/scale-eval/sim/policy"
)

var (
	histories = flag.Int("histories", 200, "random histories")
	first     = flag.Uint64("seed", 1, "seed of the first history; the others follow")
	decisions = flag.Int("decisions", 80, "decisions a history")
)

// together is the number of histories under one controller: fewer than the 100
// events that a fake watch holds.
const together = 40

// TestDifferential is the comparison: no difference in any history.
func TestDifferential(t *testing.T) {
	var sum tally
	start := time.Now()
	for done := 0; done < *histories; done += together {
		seed := *first + uint64(done)
		synctest.Test(t, func(t *testing.T) { compare(t, seed, min(together, *histories-done), &sum) })
		if t.Failed() {
			return
		}
	}
	seconds := time.Since(start).Seconds()
	t.Logf("%d histories of %d decisions, seeds %d..%d: %d scale updates (%d up, %d down) the same; %.1f histories/s, %.0f decisions/s",
		*histories, *decisions, *first, *first+uint64(*histories)-1, sum.up+sum.down, sum.up, sum.down,
		float64(*histories)/seconds, float64(*histories**decisions)/seconds)
	if *histories >= 200 && (sum.up < *histories || sum.down < *histories) {
		t.Error("hardly a history scaled: the comparison compares nothing")
	}
}

// tally counts what the real controller did.
type tally struct{ up, down int }

// compare runs n histories under one real controller, and our HPAs beside it. Flags
// come from the first seed, so a history is repeated by the seed of its group.
func compare(t *testing.T, seed uint64, n int, sum *tally) {
	f := drawFlags(rand.New(rand.NewPCG(seed, 2)))
	all := map[string]*history{}
	for i := range n {
		s := seed + uint64(i)
		all[fmt.Sprintf("seed-%d", s)] = newHistory(s, f, time.Now().UnixNano())
	}
	names := slices.Sorted(maps.Keys(all))
	c, stop := controlled(t, f, all)
	defer stop()
	next := time.Now().Add(f.sync)
	for step := range *decisions {
		time.Sleep(time.Until(next) - time.Second)
		synctest.Wait()
		ours := map[string]policy.Decision{}
		for _, name := range names {
			h := all[name]
			h.step(next.UnixNano())
			c.show(t, name)
			ours[name] = h.hpa.Decide(next.UnixNano(), h.workload())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		real := c.look(t)
		for _, name := range names {
			h := all[name]
			want, wrote := real[name]
			if !wrote {
				want = h.replicas
			}
			if got := ours[name]; got.Replicas != want {
				t.Errorf("%s (group -seed %d), decision %d, flags %+v: %d -> %d, the controller %d; ours because of %q\n  %s",
					name, seed, step, f, h.replicas, got.Replicas, want, got.Reason, h.describe())
				return
			}
			if want > h.replicas {
				sum.up++
			} else if want < h.replicas {
				sum.down++
			}
			h.replicas = want
		}
		next = next.Add(f.sync)
	}
}

// TestStepResponse is the reference run: 1 -> 10 cores at 60 s, target 50 %, pods of
// one core, 2 at first; the load drops to 1 core at 600 s. Both must show the times
// and sizes that were read off the controller of v1.36.3.
func TestStepResponse(t *testing.T) {
	want := map[int64]int32{60: 4, 75: 8, 90: 16, 105: 20, 900: 2}
	synctest.Test(t, func(t *testing.T) {
		h := &history{hpa: policy.NewHPA(2, 100, policy.CPU(50)), replicas: 2, samples: map[string]sample{}}
		c, stop := controlled(t, defaults, map[string]*history{"step": h})
		defer stop()
		start := time.Now()
		for at := int64(15); at <= 1200; at += 15 {
			time.Sleep(time.Until(start.Add(time.Duration(at)*time.Second - time.Second)))
			synctest.Wait()
			now := start.UnixNano() + at*1e9
			cores := int64(1000)
			if at >= 60 && at < 600 {
				cores = 10_000
			}
			h.pods, h.status = nil, h.replicas
			for i := range h.replicas {
				h.pods = append(h.pods, &pod{Pod: policy.Pod{
					Name: fmt.Sprint(i), Ready: true, Started: now - 3600e9, Transition: now - 3590e9,
					Requests: []policy.Sample{{Name: "cpu", Milli: 1000}},
					Metrics:  []policy.Sample{{Name: "cpu", Milli: cores / int64(h.replicas), At: now, Window: 15e9}},
				}})
			}
			c.show(t, "step")
			ours := h.hpa.Decide(now, h.workload()).Replicas
			time.Sleep(2 * time.Second)
			synctest.Wait()
			real, wrote := c.look(t)["step"]
			if !wrote {
				real = h.replicas
			}
			expected, changes := want[at]
			if !changes {
				expected = h.replicas
			}
			if real != expected || ours != expected {
				t.Fatalf("at %d s %d -> %d (the controller) and %d (ours), want %d", at, h.replicas, real, ours, expected)
			}
			h.replicas = real
		}
	})
}
