package sim

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// taped has all that may be on a tape, a load that ends, and an operation with two
// stages that draw from one stream, which may not be.
func taped(t *testing.T, tapes *Tapes) *Topology {
	two := station("two", 4, exp(.01))
	two.Operations[0].Stages = append(two.Operations[0].Stages, Stage{CPU: exp(.02), Wait: exp(.005)})
	one := station("one", 8, exp(.02))
	one.Operations[0].Stages[0].Calls = []Call{{Service: "two", Timeout: 60e6, Propagate: true}}
	rate, err := traffic.NewRate(traffic.Point{At: 0, PerSecond: 120}, traffic.Point{At: 30e9, PerSecond: 120}, traffic.Point{At: 30e9})
	if err != nil {
		t.Fatal(err)
	}
	bursts, err := traffic.NewMMPP(traffic.State{PerSecond: 100, Sojourn: exp(1)}, traffic.State{Sojourn: exp(1)})
	if err != nil {
		t.Fatal(err)
	}
	client := func(name string, a traffic.Arrivals) Client {
		return Client{Name: name, Mix: []Choice{{Call{Service: "one"}, 1}}, Arrivals: a}
	}
	return &Topology{
		Tapes: tapes, Services: []Service{one, two},
		Clients: []Client{client("steady", traffic.Poisson(rate)), client("bursts", bursts),
			{Name: "users", Mix: []Choice{{Call{Service: "two"}, 1}}, Users: 5, Think: random.Exponential(.1)}},
	}
}

// eventLog is a run of it; scaling makes runs differ.
func eventLog(t *testing.T, tapes *Tapes, replicas int) string {
	s, err := New(taped(t, tapes), 7)
	if err != nil {
		t.Error(err)
		return ""
	}
	var text bytes.Buffer
	log := NewEventLog(&text)
	s.OnEvent(log.Event)
	s.OnRequest(log.Request)
	s.Clock().At(5e9, scaling{s, replicas}, 0)
	if err := s.Run(60e9); err != nil {
		t.Error(err)
	}
	return text.String()
}

type scaling struct {
	s        *System
	replicas int
}

func (s scaling) Handle(uint64) { s.s.SetReplicas("two", s.replicas) }

// Runs that share tapes, at the same time and with different ends, are the runs that
// they are alone, to the byte.
func TestTapesChangeNothing(t *testing.T) {
	tapes := NewTapes()
	var shared [4]string
	var wg sync.WaitGroup
	for i := range shared {
		wg.Go(func() { shared[i] = eventLog(t, tapes, 1+i) })
	}
	wg.Wait()
	for i, got := range shared {
		if alone := eventLog(t, nil, 1+i); got != alone || strings.Count(alone, "\n") < 5000 {
			t.Errorf("%d replicas: %d lines with tapes, %d without, or others", 1+i, strings.Count(got, "\n"), strings.Count(alone, "\n"))
		}
	}
	if shared[0] == shared[3] {
		t.Error("scaling makes no difference")
	}
	if len(tapes.draws) != 3 || len(tapes.arrivals) != 2 {
		t.Errorf("%d and %d tapes; want those of the work of one, the wait of two, think times and two loads", len(tapes.draws), len(tapes.arrivals))
	}
}

func TestTapesAreOfOneSeed(t *testing.T) {
	tapes := NewTapes()
	build(t, taped(t, tapes), 1)
	if _, err := New(taped(t, tapes), 2); err == nil || !strings.Contains(err.Error(), "tapes of seed 1 for a run with seed 2") {
		t.Errorf("got %v", err)
	}
}
