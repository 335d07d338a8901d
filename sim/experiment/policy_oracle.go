package experiment

import (
	"context"
	"math"

	"github.com/scale-eval/scale-eval/sim"
)

// foresight is how long before a step the oracle provides for it: a pod is bound,
// started and ready by then.
const foresight = 90e9

// oracle knows the demand of the case and provides for it in time. What it wants is
// a bound, not a policy that can be had.
func oracle() Policy {
	return Policy{Name: "oracle", Doc: "knows the least that is needed, beforehand: a bound", Start: func(e *Env) (func() error, error) {
		for _, d := range e.Calibration.Demands {
			if d.Remedy {
				every(e.System.Clock(), 0, 10e9, func() {
					e.scale(d.Service, int(most(&d, e.Case, e.System.Now(), foresight)))
				})
			}
		}
		from, _ := e.Case.fault()
		enlarge(e, max(0, from-foresight))
		return nil, nil
	}}
}

// staticKnobs: whoever provides for the peak does so with a margin, or saves on it.
var staticKnobs = []Knob{{"peak_factor", "0.5..1.5", "1", "replicas, as a multiple of the oracle's peak"}}

// static has the oracle's peak from beginning to end.
func static() Policy {
	return tunable(staticKnobs, func(s settings) Policy {
		return Policy{Name: "static", Doc: "the oracle's peak, all the time: the upper bound of cost; played when named", Start: func(e *Env) (func() error, error) {
			for _, d := range e.Calibration.Demands {
				if d.Remedy {
					e.scale(d.Service, max(1, int(math.Ceil(s["peak_factor"]*most(&d, e.Case, 0, e.Case.end())))))
				}
			}
			enlarge(e, 0)
			return nil, nil
		}}
	})
}

// most is the highest demand from now on for so long, ns.
func most(d *Demand, c *Case, now, ahead int64) (n float64) {
	for k, pods := range d.Pods {
		begin := c.WarmUp + int64(k)*stepSeconds*1e9
		if begin < now+ahead && now < begin+stepSeconds*1e9 || k == 0 && now < begin || k == len(d.Pods)-1 && now > begin {
			n = max(n, pods)
		}
	}
	return n
}

func (e *Env) scale(service string, n int) {
	if have, _ := e.System.Replicas(service); have == n {
		return
	}
	e.Cluster.Failed(e.Cluster.Scale(context.Background(), service, n))
}

// enlarge gives the targets of vertical remedies all they may have, at time at.
func enlarge(e *Env, at int64) {
	for _, t := range e.Case.Targets {
		if e.Case.helps(t.Service, Vertical) {
			e.System.Clock().At(at, after(func() {
				have := e.System.Resources(t.Service)
				e.Cluster.Failed(e.Cluster.Resize(context.Background(), t.Service, t.largest(have)))
			}), 0)
		}
	}
}

// largest is the most that policies may ask for.
func (t *Target) largest(start sim.Resources) sim.Resources {
	cpu, memory := start.CPULimit, start.MemoryLimitMiB
	if t.MaxCPU > 0 {
		cpu = t.MaxCPU
	}
	if t.MaxMemoryMiB > 0 {
		memory = t.MaxMemoryMiB
	}
	return sim.Resources{CPULimit: cpu, MemoryLimitMiB: memory}
}
