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

// asking is a policy with an autoscaler of its own on every target for which make has
// one.
func asking(name, doc string, make func(e *Env, t *Target, spec *sim.Service) policy.Autoscaler) Policy {
	return Policy{Name: name, Doc: doc, Asks: true, Start: func(e *Env) (func() error, error) {
		for i := range e.Case.Targets {
			t := &e.Case.Targets[i]
			if a := make(e, t, serviceOf(e.Topology, t.Service)); a != nil {
				e.Autoscale(t.Service, a)
			}
		}
		return nil, nil
	}}
}

func none() Policy {
	return asking("none", "does nothing: the lower bound of cost", func(*Env, *Target, *sim.Service) policy.Autoscaler { return nil })
}

func hpa() Policy {
	return asking("hpa", "HorizontalPodAutoscaler on 70 % of the CPU request", func(_ *Env, t *Target, spec *sim.Service) policy.Autoscaler {
		if spec.Pod.CPURequest == 0 {
			return nil // the controller cannot compute a utilisation either
		}
		return policy.NewHPA(int32(t.Min), int32(t.Max), policy.CPU(cpuTarget))
	})
}

func keda() Policy {
	return asking("keda", "KEDA-style: a replica for 20 requests that wait", func(_ *Env, t *Target, spec *sim.Service) policy.Autoscaler {
		if spec.Pod.Threads == 0 && !spec.Queue.Central {
			return nil // nothing ever waits there: an empty queue would say scale down
		}
		q := policy.NewQueueLength(sim.MetricQueue, queueDepth)
		q.Min, q.Max = int32(t.Min), int32(t.Max)
		return q
	})
}

func vpa() Policy {
	return asking("vpa", "VerticalPodAutoscaler: requests and limits follow usage", func(_ *Env, t *Target, spec *sim.Service) policy.Autoscaler {
		if !t.resizable() || spec.Pod.CPURequest == 0 && spec.Pod.MemoryRequestMiB == 0 {
			return nil
		}
		return policy.NewVPA()
	})
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
	return asking("rate", "HPA on requests a second: 70 % of what a load test found", func(e *Env, t *Target, _ *sim.Service) policy.Autoscaler {
		if r := perReplica(e, t.Service); r > 0 {
			return policy.NewHPA(int32(t.Min), int32(t.Max), policy.RequestRate(r))
		}
		return nil
	})
}

func forecast() Policy {
	return asking("forecast", "Holt-Winters-like forecast of the rate, 70 % of what a load test found", func(e *Env, t *Target, _ *sim.Service) policy.Autoscaler {
		if r := perReplica(e, t.Service); r > 0 {
			return policy.NewHoltWintersLike(int32(t.Min), int32(t.Max), r)
		}
		return nil
	})
}
