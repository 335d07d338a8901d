package experiment

import (
	"math"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
)

// What baselines aim at. Each is a value that its documentation or common practice
// gives, the same in all cases.
const (
	cpuTarget  = 70 // percent of the CPU request
	queueDepth = 20 // messages a replica: KEDA's queueLength for RabbitMQ
	rateShare  = .7 // of what a replica can do, as the load test found it
	firstLook  = 15e9
)

// each starts an autoscaler of its own on every target for which make has one.
func each(e *Env, make func(t *Target, spec *sim.Service) policy.Autoscaler) {
	for i := range e.Case.Targets {
		t := &e.Case.Targets[i]
		if a := make(t, serviceOf(e.Topology, t.Service)); a != nil {
			e.Cluster.Autoscale(e.Metrics, t.Service, a, firstLook)
		}
	}
}

func none() Policy {
	return Policy{"none", "does nothing: the lower bound of cost", func(*Env) (func() error, error) { return nil, nil }}
}

func hpa() Policy {
	return Policy{"hpa", "HorizontalPodAutoscaler on 70 % of the CPU request", func(e *Env) (func() error, error) {
		each(e, func(t *Target, spec *sim.Service) policy.Autoscaler {
			if spec.Pod.CPURequest == 0 {
				return nil // the controller cannot compute a utilisation either
			}
			return policy.NewHPA(int32(t.Min), int32(t.Max), policy.CPU(cpuTarget))
		})
		return nil, nil
	}}
}

func keda() Policy {
	return Policy{"keda", "KEDA-style: a replica for 20 requests that wait", func(e *Env) (func() error, error) {
		each(e, func(t *Target, spec *sim.Service) policy.Autoscaler {
			if spec.Pod.Threads == 0 && !spec.Queue.Central {
				return nil // nothing ever waits there: an empty queue would say scale down
			}
			q := policy.NewQueueLength(sim.MetricQueue, queueDepth)
			q.Min, q.Max = int32(t.Min), int32(t.Max)
			return q
		})
		return nil, nil
	}}
}

func vpa() Policy {
	return Policy{"vpa", "VerticalPodAutoscaler: requests and limits follow usage", func(e *Env) (func() error, error) {
		each(e, func(t *Target, spec *sim.Service) policy.Autoscaler {
			if !t.resizable() || spec.Pod.CPURequest == 0 && spec.Pod.MemoryRequestMiB == 0 {
				return nil
			}
			return policy.NewVPA()
		})
		return nil, nil
	}}
}

// perReplica is the rate that a replica shall have; 0: the load test found no limit.
func perReplica(e *Env, service string) float64 {
	most := rateShare * e.Calibration.Services[service].PerSecond
	if math.IsInf(most, 0) || math.IsNaN(most) || most > 1e6 || most <= 0 {
		return 0
	}
	return most
}

func rate() Policy {
	return Policy{"rate", "HPA on requests a second: 70 % of what a load test found", func(e *Env) (func() error, error) {
		each(e, func(t *Target, _ *sim.Service) policy.Autoscaler {
			if r := perReplica(e, t.Service); r > 0 {
				return policy.NewHPA(int32(t.Min), int32(t.Max), policy.RequestRate(r))
			}
			return nil
		})
		return nil, nil
	}}
}

func forecast() Policy {
	return Policy{"forecast", "Holt-Winters-like forecast of the rate, 70 % of what a load test found", func(e *Env) (func() error, error) {
		each(e, func(t *Target, _ *sim.Service) policy.Autoscaler {
			if r := perReplica(e, t.Service); r > 0 {
				return policy.NewHoltWintersLike(int32(t.Min), int32(t.Max), r)
			}
			return nil
		})
		return nil, nil
	}}
}
