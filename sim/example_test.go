package sim_test

import (
	"fmt"
	"time"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// A service that needs three cores, one pod of one core, and an HPA to help it.
func Example() {
	topology := &sim.Topology{
		Services: []sim.Service{{
			Name: "web", Replicas: 1, Balance: sim.PowerOfTwo,
			Pod:       sim.Pod{CPU: 1, CPURequest: 1},
			Lifecycle: sim.Lifecycle{Start: random.Constant(6), ProbePeriod: int64(5 * time.Second)},
			Operations: []sim.Operation{{
				Name:   "GET /",
				Stages: []sim.Stage{{CPU: random.Must(random.NewLognormal(.03, 1))}},
			}},
		}},
		Clients: []sim.Client{{
			Name:     "visitors",
			Mix:      []sim.Choice{{Call: sim.Call{Service: "web"}, Weight: 1}},
			Arrivals: traffic.Poisson(traffic.Constant(100)),
		}},
	}
	system, err := sim.New(topology, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	system.OnEvent(func(e sim.Event) {
		if e.Kind == "scale" {
			fmt.Println(time.Duration(e.At), e.Detail)
		}
	})
	metrics := sim.NewMetricsServer(system, sim.MetricsResolution)
	metrics.Autoscale("web", policy.NewHPA(1, 20, policy.CPU(70)), 0)
	if err := system.Run(int64(10 * time.Minute)); err != nil {
		fmt.Println(err)
	}
	want, ready := system.Replicas("web")
	fmt.Println(want, ready, system.Audit())
	// Output:
	// 30s 1 -> 2
	// 1m0s 2 -> 3
	// 1m30s 3 -> 5
	// 2m0s 5 -> 8
	// 7m45s 8 -> 5
	// 5 5 <nil>
}
