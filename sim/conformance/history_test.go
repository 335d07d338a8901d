package conformance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/scale-eval/scale-eval/sim/policy"
)

// flags are those of the controller, which all HPAs that it runs share.
type flags struct {
	sync, downscale, cpuInitialization, initialReadiness time.Duration
	tolerance                                            float64
}

var defaults = flags{15 * time.Second, 300 * time.Second, 300 * time.Second, 30 * time.Second, .1}

// drawFlags are the defaults half of the time.
func drawFlags(rng *rand.Rand) flags {
	if rng.IntN(2) == 0 {
		return defaults
	}
	seconds := func(choices ...int) time.Duration {
		return time.Duration(choices[rng.IntN(len(choices))]) * time.Second
	}
	return flags{
		seconds(10, 15, 30), seconds(0, 15, 60, 300), seconds(0, 60, 300), seconds(0, 30, 90),
		[]float64{0, .05, .1, .25}[rng.IntN(4)],
	}
}

// history is one workload with an HPA, and how both change. Times are Unix ns.
type history struct {
	seed     uint64
	rng      *rand.Rand
	hpa      *policy.HPA
	absurd   bool    // each pod and metric drawn anew, related to nothing
	load     float64 // demand in units of what the target gives one pod
	replicas int32   // spec.replicas
	status   int32
	pods     []*pod
	born     int
	samples  map[string]sample // of the whole workload
	edited   bool              // the HPA, in this step
}

// pod is a pod in the API. A failed pod is Terminated and not deleted.
type pod struct {
	policy.Pod
	failed bool
	until  int64 // plausible pods: when the phase ends
}

// sample is an Object or External metric: External ones come in several series.
type sample struct {
	parts []int64
	ok    bool
}

// newHistory draws an HPA for a controller with these flags. now is its first moment.
func newHistory(seed uint64, f flags, now int64) *history {
	rng := rand.New(rand.NewPCG(seed, 1))
	h := &history{seed: seed, rng: rng, absurd: rng.IntN(3) == 0, load: float64(1 + rng.IntN(8))}
	least := int32(1 + rng.IntN(4))
	h.hpa = policy.NewHPA(least, least+int32(rng.IntN(40)), drawMetrics(rng)...)
	h.hpa.Tolerance = f.tolerance
	h.hpa.Sync, h.hpa.DownscaleWindow = int64(f.sync), int64(f.downscale)
	h.hpa.CPUInitialization, h.hpa.InitialReadiness = int64(f.cpuInitialization), int64(f.initialReadiness)
	if rng.IntN(2) == 0 {
		h.hpa.Behavior = drawBehavior(rng)
	}
	h.replicas = int32(rng.IntN(12))
	for range h.replicas {
		h.add(now - rng.Int64N(600)*1e9)
	}
	return h
}

func drawMetrics(rng *rand.Rand) []policy.Metric {
	percent := func() int32 { return int32(1 + rng.IntN(150)) }
	milli := func() int64 { return []int64{1, 100, 333, 500, 1000, 20_000}[rng.IntN(6)] }
	bytes := func() int64 { return 1000 << (20 + rng.IntN(10)) } // far below: proposals beyond an int32
	all := []policy.Metric{
		policy.CPU(percent()), {Source: policy.Resource, Name: "memory", Utilization: percent()},
		{Source: policy.Resource, Name: "cpu", AverageMilli: milli()}, {Source: policy.Resource, Name: "memory", AverageMilli: bytes()},
		{Source: policy.Pods, Name: "rate", AverageMilli: milli()}, {Source: policy.Pods, Name: "sessions", AverageMilli: milli()},
		{Source: policy.Object, Name: "hits", ValueMilli: milli()}, {Source: policy.Object, Name: "each", AverageMilli: milli()},
		{Source: policy.External, Name: "queue", ValueMilli: milli()}, {Source: policy.External, Name: "lag", AverageMilli: milli()},
	}
	if rng.IntN(2) == 0 {
		return all[:1]
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+rng.IntN(3)]
}

func drawBehavior(rng *rand.Rand) *policy.Behavior {
	if rng.IntN(4) == 0 {
		return policy.DefaultBehavior()
	}
	return &policy.Behavior{Up: drawRules(rng), Down: drawRules(rng)}
}

func drawRules(rng *rand.Rand) policy.Rules {
	r := policy.Rules{
		Window: []int64{0, 15, 30, 60, 100, 300}[rng.IntN(6)] * 1e9,
		Select: []policy.Select{policy.MaxChange, policy.MaxChange, policy.MinChange, policy.Disabled}[rng.IntN(4)],
	}
	for range 1 + rng.IntN(3) {
		p := policy.RatePolicy{Period: int64(1+rng.IntN(120)) * 1e9}
		if rng.IntN(3) == 0 {
			p.Period = int64(15*(1+rng.IntN(8))) * 1e9 // on the edge of decisions
		}
		if rng.IntN(2) == 0 {
			p.Pods = int32(1 + rng.IntN(6))
		} else {
			p.Percent = int32(1 + rng.IntN(200))
		}
		r.Policies = append(r.Policies, p)
	}
	if rng.IntN(4) == 0 {
		tolerance := quantity(int64(rng.IntN(300))).AsApproximateFloat64()
		r.Tolerance = &tolerance
	}
	return r
}

func quantity(milli int64) *resource.Quantity {
	return resource.NewMilliQuantity(milli, resource.DecimalSI)
}

// add makes a pod that starts at a time.
func (h *history) add(at int64) {
	h.born++
	p := &pod{Pod: policy.Pod{Name: fmt.Sprint("pod-", h.born), Pending: true, Started: at, Transition: at}}
	p.until = at + h.rng.Int64N(40)*1e9
	p.Requests = []policy.Sample{
		{Name: "cpu", Milli: []int64{0, 100, 250, 1000}[h.rng.IntN(4)]},
		{Name: "memory", Milli: 1000 << (10 + h.rng.IntN(11))},
	}
	if h.rng.IntN(8) > 0 {
		p.Requests[0].Milli = 500 // mostly all alike
	}
	h.pods = append(h.pods, p)
}

// step moves the history on to the decision at time now, a whole second.
func (h *history) step(now int64) {
	h.edit()
	h.scale(now)
	for _, p := range h.pods {
		h.live(p, now)
	}
	h.status = int32(len(h.pods))
	if h.rng.IntN(8) == 0 {
		h.status = int32(h.rng.IntN(20))
	}
	h.measure(now)
}

// edit is what people do: scale by hand, change the limits.
func (h *history) edit() {
	h.edited = false
	if h.rng.IntN(60) == 0 {
		h.replicas = int32(h.rng.IntN(int(h.hpa.Max) + 4))
	}
	if h.rng.IntN(80) == 0 {
		h.edited = true
		h.hpa.Min = int32(1 + h.rng.IntN(6))
		h.hpa.Max = h.hpa.Min + int32(h.rng.IntN(40))
	}
	if h.rng.IntN(120) == 0 {
		h.edited, h.hpa.Behavior = true, nil
		if h.rng.IntN(2) == 0 {
			h.hpa.Behavior = drawBehavior(h.rng)
		}
	}
}

// scale follows spec.replicas, more or less.
func (h *history) scale(now int64) {
	h.pods = slices.DeleteFunc(h.pods, func(p *pod) bool { return p.Terminated && h.rng.IntN(2) == 0 })
	alive := int32(0)
	for _, p := range h.pods {
		if !p.Terminated {
			alive++
		}
	}
	for ; alive < h.replicas; alive++ {
		h.add(now - h.rng.Int64N(10)*1e9)
	}
	for i := len(h.pods) - 1; i >= 0 && alive > h.replicas; i-- {
		if p := h.pods[i]; !p.Terminated {
			p.Terminated, p.failed = true, false
			alive--
		}
	}
	if h.rng.IntN(100) == 0 {
		h.pods = nil
	}
}

// live moves one pod on.
func (h *history) live(p *pod, now int64) {
	if h.absurd {
		p.Pending, p.Unreported, p.Ready = h.rng.IntN(6) == 0, h.rng.IntN(9) == 0, h.rng.IntN(3) > 0
		p.Started = now - h.rng.Int64N(700)*1e9
		p.Transition = now - h.rng.Int64N(700)*1e9
		p.Terminated, p.failed = h.rng.IntN(10) == 0, h.rng.IntN(2) == 0
		p.failed = p.failed && p.Terminated
		p.Ready = p.Ready && !p.failed && !p.Unreported
		return
	}
	switch {
	case p.Terminated:
	case p.Pending && now >= p.until:
		p.Pending, p.Transition = false, p.until
		p.until = now + h.rng.Int64N(60)*1e9
	case !p.Pending && !p.Ready && now >= p.until:
		p.Ready, p.Transition = true, p.until
	case p.Ready && h.rng.IntN(50) == 0:
		p.Ready, p.Transition = false, now-h.rng.Int64N(10)*1e9
		p.until = now + h.rng.Int64N(90)*1e9
	case h.rng.IntN(200) == 0:
		p.Terminated, p.failed, p.Ready = true, true, false
	}
}

// measure draws metrics around the targets, where the decisions are, and far away.
func (h *history) measure(now int64) {
	switch h.rng.IntN(6) {
	case 0:
		h.load = math.Exp(h.rng.Float64()*5 - 1)
	case 1:
		h.load = float64(h.replicas) * []float64{1, .9, 1.1, 1 - h.hpa.Tolerance, 1 + h.hpa.Tolerance, .91, 1.09, .89, 1.11}[h.rng.IntN(9)]
	}
	ready := 0
	for _, p := range h.pods {
		p.Metrics = p.Metrics[:0]
		if p.Ready && !p.Terminated {
			ready++
		}
	}
	h.samples = map[string]sample{}
	for _, m := range h.hpa.Metrics {
		lost := h.rng.IntN(25) == 0
		if m.Source == policy.Object || m.Source == policy.External {
			h.samples[m.Name] = h.whole(m, lost)
			continue
		}
		for _, p := range h.pods {
			if _, again := find(p.Metrics, m.Name); again || lost || p.Pending && h.rng.IntN(4) > 0 || h.rng.IntN(20) == 0 {
				continue
			}
			s := policy.Sample{Name: m.Name, Milli: h.each(m, p, ready), Window: (10 + h.rng.Int64N(30)) * 1e9}
			s.At = now - h.rng.Int64N(30)*1e9
			p.Metrics = append(p.Metrics, s)
		}
	}
}

// whole is the value of a metric of the workload.
func (h *history) whole(m policy.Metric, lost bool) sample {
	total := int64(h.load * float64(max(m.ValueMilli, m.AverageMilli)))
	if m.ValueMilli > 0 {
		total = int64(h.load / float64(max(1, h.replicas)) * float64(m.ValueMilli))
	}
	if h.rng.IntN(30) == 0 {
		total = -total
	}
	// The controller takes a negative sum of the first series for an overflow, which a
	// total cannot show: only single series are negative.
	parts := []int64{total}
	for m.Source == policy.External && parts[0] > 1 && h.rng.IntN(2) == 0 {
		part := h.rng.Int64N(parts[0])
		parts[0] -= part
		parts = append(parts, part)
	}
	return sample{parts, !lost}
}

// each is the value of a metric of one pod.
func (h *history) each(m policy.Metric, p *pod, ready int) int64 {
	target := float64(m.AverageMilli)
	if m.Utilization > 0 {
		request, _ := find(p.Requests, m.Name)
		target = float64(request.Milli) * float64(m.Utilization) / 100
	}
	value := int64(math.Round(target * h.load / float64(max(1, ready))))
	switch {
	case h.absurd:
		value = int64(float64(value) * 2 * h.rng.Float64())
	case h.rng.IntN(2) == 0:
		value += h.rng.Int64N(7) - 3
	}
	if h.rng.IntN(300) == 0 {
		value = -value
	}
	return value
}

func find(samples []policy.Sample, name string) (policy.Sample, bool) {
	for _, s := range samples {
		if s.Name == name {
			return s, true
		}
	}
	return policy.Sample{}, false
}

// workload is what our HPA sees.
func (h *history) workload() *policy.Workload {
	w := &policy.Workload{Replicas: h.replicas, Current: h.status}
	for _, p := range h.pods {
		w.Pods = append(w.Pods, p.Pod)
	}
	for name, s := range h.samples {
		if s.ok {
			total := int64(0)
			for _, part := range s.parts {
				total += part
			}
			w.Metrics = append(w.Metrics, policy.Sample{Name: name, Milli: total})
		}
	}
	return w
}
