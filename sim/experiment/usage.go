package experiment

import (
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
)

// usageOf is the mean CPU and the highest memory of the pods that were measured, as
// parts of their limits; ok is false when none was. Times are of the system.
func usageOf(w *policy.Workload, r sim.Resources) (u live.Usage, ok bool) {
	n := 0
	for i := range w.Pods {
		for _, m := range w.Pods[i].Metrics {
			switch {
			case m.Name == "cpu" && r.CPULimit > 0:
				u.CPU += float64(m.Milli) / 1000 / r.CPULimit
				n++
			case m.Name == "memory" && r.MemoryLimitMiB > 0:
				u.Memory = max(u.Memory, float64(m.Milli)/1000/(1<<20)/r.MemoryLimitMiB)
			default:
				continue
			}
			u.At = max(u.At, m.At)
		}
	}
	if n > 0 {
		u.CPU /= float64(n)
	}
	return u, u.At > 0
}
