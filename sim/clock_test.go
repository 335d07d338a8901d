package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// recorder notes what fired and when.
type recorder struct {
	clock *Clock
	log   [][2]int64
}

func (r *recorder) Handle(arg uint64) { r.log = append(r.log, [2]int64{r.clock.Now(), int64(arg)}) }

func TestTiesFireInTheOrderTheyWereScheduled(t *testing.T) {
	var c Clock
	r := &recorder{clock: &c}
	for i := range uint64(1000) {
		c.After(int64(i%3), r, i)
	}
	if err := c.Run(10); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(r.log, func(a, b [2]int64) int {
		return slices.Compare(a[:], b[:])
	}) {
		t.Error("events of one instant fired out of order")
	}
	if len(r.log) != 1000 || c.Now() != 10 || c.Pending() != 0 || c.Fired() != 1000 {
		t.Errorf("fired %d of 1000, now %d, pending %d", len(r.log), c.Now(), c.Pending())
	}
}

// The twin of the heap is a sorted slice, whether or not events go through lanes: one
// whose delays are all the same, and one that has to hand most of its events on.
func TestClockAgainstASortedSlice(t *testing.T) {
	type event struct{ at, arg int64 }
	rng := rand.New(rand.NewPCG(1, 2))
	var c Clock
	steady, unsteady := c.NewLane(), c.NewLane()
	r := &recorder{clock: &c}
	var twin, want []event
	timers := map[int64]Timer{}
	for i := range int64(8_000) {
		switch rng.IntN(5) {
		case 0, 1, 2:
			d := rng.Int64N(500)
			switch rng.IntN(3) {
			case 0:
				timers[i] = c.After(d, r, uint64(i))
			case 1:
				timers[i] = unsteady.After(d, r, uint64(i))
			case 2:
				d = 400
				timers[i] = steady.After(d, r, uint64(i))
			}
			e := event{c.Now() + d, i}
			twin = append(twin, e)
			slices.SortStableFunc(twin, func(a, b event) int { return int(a.at - b.at) })
		case 3:
			if len(twin) > 0 {
				j := rng.IntN(len(twin))
				if !c.Cancel(timers[twin[j].arg]) || c.Cancel(timers[twin[j].arg]) {
					t.Fatal("Cancel does not answer once with true, then with false")
				}
				twin = slices.Delete(twin, j, j+1)
			}
		case 4:
			if c.Step() {
				want = append(want, twin[0])
				twin = twin[1:]
			}
		}
		if c.Pending() != len(twin) {
			t.Fatalf("step %d: pending %d, want %d", i, c.Pending(), len(twin))
		}
	}
	for c.Step() {
		want = append(want, twin[0])
		twin = twin[1:]
	}
	for i, e := range want {
		if r.log[i] != [2]int64{e.at, e.arg} {
			t.Fatalf("event %d: got %v, want %v", i, r.log[i], e)
		}
	}
	if len(c.slots) > 20_000 || len(want) == 0 {
		t.Errorf("%d slots", len(c.slots))
	}
}

func TestCancelledEventsDoNotPileUp(t *testing.T) {
	var c Clock
	r := &recorder{clock: &c}
	c.After(1e9, r, 0)
	for range 100_000 { // a time-out of every call that is answered in time
		c.Cancel(c.After(1e12, r, 1))
	}
	if len(c.heap) > 200 || len(c.slots) > 200 {
		t.Errorf("heap of %d and %d slots for one event", len(c.heap), len(c.slots))
	}
	l := c.NewLane()
	l.After(1e12, r, 2)
	for i := range 100_000 {
		tm := l.After(1e12, r, 1)
		if c.Run(c.Now() + 1); i%10 > 0 {
			c.Cancel(tm)
		}
	}
	if len(c.heap) > 200 || cap(l.line) > 50_000 {
		t.Errorf("heap of %d and a lane of %d for 10 000 events", len(c.heap), cap(l.line))
	}
}

// A lane out of which every event fires does not keep those that are gone.
func TestALaneForgetsWhatHasFired(t *testing.T) {
	var c Clock
	l, r := c.NewLane(), &recorder{clock: &c}
	for range 100_000 {
		l.After(100, r, 0)
		if err := c.Run(c.Now() + 1); err != nil {
			t.Fatal(err)
		}
	}
	if cap(l.line) > 1000 || len(c.heap) > root+1 || len(r.log) != 99_901 {
		t.Errorf("a lane of %d and a heap of %d for 100 events, %d fired", cap(l.line), len(c.heap), len(r.log))
	}
}

func TestStopAndRunOn(t *testing.T) {
	var c Clock
	s := stopper{&c}
	c.After(5, s, 0)
	c.After(7, s, 0)
	if err := c.Run(100); err != nil || c.Now() != 5 {
		t.Errorf("stopped at %d, %v", c.Now(), err)
	}
	if err := c.Run(6); err != nil || c.Now() != 6 {
		t.Errorf("ran to %d, %v", c.Now(), err)
	}
	if at, ok := c.Next(); at != 7 || !ok {
		t.Errorf("next at %d, %v", at, ok)
	}
}

type stopper struct{ c *Clock }

func (s stopper) Handle(uint64) { s.c.Stop() }

type treadmill struct{ c *Clock }

func (m *treadmill) Handle(uint64) { m.c.After(0, m, 0) }

func TestALoopWithoutDelayIsAnError(t *testing.T) {
	var c Clock
	c.After(1, &treadmill{&c}, 0)
	if err := c.Run(2); !errors.Is(err, ErrLivelock) {
		t.Errorf("got %v", err)
	}
}

func TestSchedulingInThePastPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var c Clock
	c.After(-1, &recorder{}, 0)
}

// BenchmarkClock is the hold model: one event out, one in, at a constant population.
func BenchmarkClock(b *testing.B) {
	for _, n := range []int{2, 1000, 100_000} {
		b.Run(fmt.Sprintf("pending=%d", n), func(b *testing.B) {
			var c Clock
			h := &holder{c: &c, rng: rand.NewPCG(1, 1)}
			for range n {
				h.Handle(0)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Step()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}

type holder struct {
	c   *Clock
	rng *rand.PCG
}

func (h *holder) Handle(uint64) { h.c.After(int64(h.rng.Uint64()>>44), h, 0) }
