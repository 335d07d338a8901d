package sim

import (
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// bottleneck is a queue, workers with 5 ms of their own, and a database whose
// throughput falls when too many workers use it: 504 requests a second with 100 of
// them, 365 with 200, 217 with 400. The load steps from 440 to 560 a second.
func bottleneck(t *testing.T) *System {
	t.Helper()
	workers := station("workers", 1, constant(.005))
	workers.Replicas, workers.Queue.Central = 100, true
	workers.Operations[0].Stages = append(workers.Operations[0].Stages, Stage{Calls: []Call{to("db")}})
	db := station("db", 0, exp(.05))
	db.Pod.Law = &USL{Sigma: .01, Kappa: .0002}
	r, err := traffic.NewRate(traffic.Point{At: 0, PerSecond: 440}, traffic.Point{At: 60e9, PerSecond: 440}, traffic.Point{At: 60e9, PerSecond: 560})
	if err != nil {
		t.Fatal(err)
	}
	return build(t, with(Client{Name: "c", Mix: []Choice{{to("workers"), 1}}, Arrivals: traffic.Poisson(r)}, workers, db), 1)
}

// What a fluid model says of the overload: the backlog grows by the load less the
// throughput that the law gives to the workers at the database. Of 100 workers 2.5
// are busy with themselves, and X(97.5) = 507 a second.
func TestBacklogOfAnOverloadedDatabase(t *testing.T) {
	s := bottleneck(t)
	run(t, s, 60)
	if n := s.Stats("workers").Waiting; n > 100 {
		t.Errorf("%d wait before the step", n)
	}
	run(t, s, 260)
	if n := float64(s.Stats("workers").Waiting); math.Abs(n-200*(560-507)) > 1400 { // three deviations of both streams
		t.Errorf("%v wait after 200 s of overload, want 10600", n)
	}
	if err := s.Audit(); err != nil {
		t.Fatal(err)
	}
}

// More workers on the queue make it worse than doing nothing; twice the database
// ends it.
func TestScalingTheWorkersOfAnOverloadedDatabaseIsATrap(t *testing.T) {
	waiting := func(prepare func(*System)) int {
		s := bottleneck(t)
		prepare(s)
		run(t, s, 200)
		return s.Stats("workers").Waiting
	}
	nothing := waiting(func(*System) {})
	trap := waiting(func(s *System) {
		q := policy.NewQueueLength(MetricQueue, 20)
		q.Min, q.Max = 100, 400
		NewMetricsServer(s, MetricsResolution).Autoscale("workers", q, 15e9)
	})
	cure := waiting(func(s *System) {
		s.services[1].spec.Lifecycle.InPlace = true
		s.clock.After(120e9, then(func() { s.SetResources("db", Resources{CPULimit: 2}) }), 0)
	})
	if trap < 2*nothing || cure > 50 || nothing < 6000 {
		t.Errorf("waiting after 140 s: %d with nothing done, %d with more workers, %d with twice the database", nothing, trap, cure)
	}
}

// then is a function as an event.
type then func()

func (f then) Handle(uint64) { f() }
