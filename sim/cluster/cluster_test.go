package cluster

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/kube"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// start is a web of one-core pods at 100 requests of 25 ms a second, and a database.
func start(t *testing.T) (*sim.System, *Cluster) {
	t.Helper()
	work := random.Must(random.NewLognormal(.025, 1))
	topology := &sim.Topology{
		Services: []sim.Service{
			{Name: "web", Replicas: 4, Balance: sim.PowerOfTwo,
				Pod:        sim.Pod{CPU: 1, CPURequest: .5, MemoryRequestMiB: 256, MemoryLimitMiB: 512},
				Operations: []sim.Operation{{Name: "get", Stages: []sim.Stage{{CPU: work}}}}},
			{Name: "db", Replicas: 1, Lifecycle: sim.Lifecycle{InPlace: true}, Pod: sim.Pod{CPU: 2},
				Operations: []sim.Operation{{Name: "query"}}},
		},
		Clients: []sim.Client{{Name: "users", Mix: []sim.Choice{{Call: sim.Call{Service: "web"}, Weight: 1}}, Arrivals: traffic.Poisson(traffic.Constant(100))}},
	}
	s, err := sim.New(topology, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s, New(s, topology, "db")
}

func run(t *testing.T, s *sim.System, seconds int64) {
	t.Helper()
	if err := s.Run(seconds * 1e9); err != nil {
		t.Fatal(err)
	}
}

// The production orchestrator scales the simulation and sees what it did.
func TestTheProductionOrchestratorScalesTheSimulation(t *testing.T) {
	s, c := start(t)
	k, err := kube.New(kube.Options{Client: c.Client(), Resize: kube.ResizeTemplate, NoEvents: true})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s, 10)
	web := live.Target{Kind: "service", Name: "web"}
	state, err := k.Current(context.Background(), web)
	if err != nil || state.Replicas != 4 || state.Ready != 4 || len(state.Resources) != 2 || state.Resources[0].Limit != 1000 {
		t.Fatalf("%+v, %v", state, err)
	}
	if err := k.Scale(context.Background(), live.Action{Target: web, Direction: live.Up, From: 4, To: 7}); err != nil {
		t.Fatal(err)
	}
	if n, _ := s.Replicas("web"); n != 4 {
		t.Errorf("%d replicas in the middle of an event: the controller has not seen the write yet", n)
	}
	run(t, s, 11)
	if n, ready := s.Replicas("web"); n != 7 || ready != 7 {
		t.Errorf("%d replicas, %d ready", n, ready)
	}
	db := live.Target{Kind: "statefulset", Name: "db"}
	err = k.Scale(context.Background(), live.Action{Target: db, Kind: live.Vertical, Direction: live.Up,
		Changes: []live.ResourceChange{{Container: Container, Resource: live.CPU, Limit: true, From: 2000, To: 3500}}})
	run(t, s, 12)
	if r := s.Resources("db"); err != nil || r.CPULimit != 3.5 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := c.Err(); err != nil || c.Writes() != 2 {
		t.Errorf("%d writes, %v", c.Writes(), err)
	}
}

// An HPA through the API does the same at the same times as one that is wired to the
// simulator.
func TestAutoscalersDoTheSameThroughTheAPI(t *testing.T) {
	path := func(through bool) (path []int) {
		s, c := start(t)
		m := sim.NewMetricsServer(s, sim.MetricsResolution)
		scaler := policy.NewHPA(1, 30, policy.CPU(50))
		if through {
			c.Autoscale(m, "web", scaler, 15e9)
		} else {
			m.Autoscale("web", scaler, 15e9)
		}
		for at := range int64(60) {
			run(t, s, 10*at)
			n, _ := s.Replicas("web")
			path = append(path, n)
		}
		if err := c.Err(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	direct, api := path(false), path(true)
	changes := 0
	for i := range direct {
		if direct[i] != api[i] {
			t.Fatalf("%v with the API, %v without", api, direct)
		}
		if i > 0 && direct[i] != direct[i-1] {
			changes++
		}
	}
	if changes == 0 {
		t.Error("nothing was scaled")
	}
}

// What a VPA decides reaches the pods, rounded up to what the API can say.
func TestResourcesGoThroughThePodTemplate(t *testing.T) {
	s, c := start(t)
	c.decided("web", policy.Decision{Replicas: 4, CPURequestMilli: 750, MemoryRequestBytes: 300 << 20})
	run(t, s, 1)
	want := sim.Resources{CPURequest: .75, CPULimit: 1.5, MemoryRequestMiB: 300, MemoryLimitMiB: 600}
	if got := s.Resources("web"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

func TestTheAPIRefusesWhatCannotBeSimulated(t *testing.T) {
	s, c := start(t)
	for _, n := range []int{-1, sim.MaxReplicas + 1} {
		if err := c.Scale(context.Background(), "web", n); err == nil {
			t.Errorf("%d replicas accepted", n)
		}
	}
	if err := c.Scale(context.Background(), "nobody", 1); err == nil {
		t.Error("an unknown service was scaled")
	}
	run(t, s, 1)
	if n, _ := s.Replicas("web"); n != 4 {
		t.Errorf("%d replicas", n)
	}
	if err := c.Client().AppsV1().Deployments(Namespace).Delete(context.Background(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	run(t, s, 2)
	if c.Err() == nil {
		t.Error("a deleted workload is not told")
	}
}
