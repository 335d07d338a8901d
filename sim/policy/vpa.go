package policy

import (
	"fmt"
	"math"
)

// VPA is the VerticalPodAutoscaler, as the recommender and updater of v1.8.1 compute
// it: decaying histograms of CPU and of daily memory peaks, the 90th percentile for
// the target and the 50th and 95th, widened while there is little history, for the
// range outside which pods are replaced.
//
// It recommends requests. What carries its decisions out replaces the pods; the
// updater's own limits on evictions are that of a rolling update here.
type VPA struct {
	// What the recommender's flags set, of CPU and memory alike; [NewVPA] has their
	// defaults. Target and Lower are percentiles, 0..1: of the request, and of the least
	// request that is left alone.
	Target, Lower float64
	Margin        float64 // on top of each percentile, >= 0; 0.15
	OOMBump       float64 // bytes that a pod killed for its memory gets more, >= 0; 100 MiB
	OOMFactor     float64 // or so many times what it had, if that is more, >= 1; 1.2

	cpu, memory *histogram
	first, last int64 // of the CPU samples
	samples     int
	peaks       map[string]*peak // by pod; looked up, never walked
	changed     int64            // ns, of the last decision that changed something
}

var _ Autoscaler = (*VPA)(nil)

// Constants of the recommender (pkg/recommender/logic, model/aggregations_config.go)
// and of the updater (priority/update_priority_calculator.go).
const (
	vpaUpper         = .95
	vpaMinCPU        = 25        // milli
	vpaMinMemory     = 250 << 20 // bytes
	vpaInterval      = 24 * 3600 * second
	vpaThreshold     = .1
	vpaSettled       = 12 * 3600 * second // before a change inside the range is worth it
	vpaMinCPUWeight  = .1
	vpaMinReplicas   = 2
	vpaBucketGrowth  = 1.05
	vpaCPUBucket     = .01 // cores
	vpaMemoryBucket  = 1e7 // bytes
	vpaLargestCPU    = 1000
	vpaLargestMemory = 1e12
)

// NewVPA has the defaults of the recommender.
func NewVPA() *VPA {
	return &VPA{
		Target: .9, Lower: .5, Margin: .15, OOMBump: 100 << 20, OOMFactor: 1.2,
		cpu:    newHistogram(vpaCPUBucket, vpaLargestCPU),
		memory: newHistogram(vpaMemoryBucket, vpaLargestMemory),
		peaks:  map[string]*peak{},
	}
}

// peak is the memory of a pod in its interval.
type peak struct {
	until  int64
	value  float64
	counts bool
}

// Period implements [Autoscaler].
func (v *VPA) Period() int64 { return 60 * second }

// Decide implements [Autoscaler].
func (v *VPA) Decide(now int64, w *Workload) Decision {
	d := Decision{Replicas: w.Replicas}
	for i := range w.Pods {
		v.observe(now, &w.Pods[i])
	}
	r, ok := v.Recommend()
	if !ok || w.Replicas < vpaMinReplicas || len(w.Pods) == 0 {
		d.Reason = "no history, or too few replicas to evict one"
		return d
	}
	cpu, _ := find(w.Pods[0].Requests, "cpu")
	memory, _ := find(w.Pods[0].Requests, "memory")
	settled := now-v.changed >= vpaSettled
	if worth(float64(cpu.Milli), r.CPU, settled) || worth(float64(memory.Milli)/1000, r.Memory, settled) {
		v.changed = now
		d.CPURequestMilli, d.MemoryRequestBytes = int64(r.CPU.Target), int64(r.Memory.Target)
		d.Reason = fmt.Sprintf("cpu %.0fm, memory %.0f", r.CPU.Target, r.Memory.Target)
	}
	return d
}

// worth reports whether a request is outside the range, or has been off for long.
func worth(request float64, b Bounds, settled bool) bool {
	if request < b.Lower || request > b.Upper {
		return true
	}
	return settled && math.Abs(b.Target-request) >= vpaThreshold*request
}

func (v *VPA) observe(now int64, p *Pod) {
	if s, ok := find(p.Metrics, "cpu"); ok && s.At > v.last || ok && s.At == v.last && v.samples > 0 {
		request, _ := find(p.Requests, "cpu")
		v.AddCPU(s.At, float64(s.Milli)/1000, float64(request.Milli)/1000)
	}
	s, ok := find(p.Metrics, "memory")
	if ok {
		v.addMemory(s.At, p.Name, float64(s.Milli)/1000)
	}
	if p.OOMKilled {
		request, _ := find(p.Requests, "memory")
		v.AddOOM(now, p.Name, max(float64(s.Milli), float64(request.Milli))/1000)
	}
}

// AddCPU adds a sample of a container: cores used and requested.
func (v *VPA) AddCPU(at int64, cores, request float64) {
	v.cpu.add(cores, max(request, vpaMinCPUWeight), at)
	if v.samples == 0 {
		v.first = at
	}
	v.last = max(v.last, at)
	v.samples++
}

// addMemory keeps one sample a pod and interval: its peak, bytes.
func (v *VPA) addMemory(at int64, pod string, bytes float64) {
	p := v.peaks[pod]
	if p == nil {
		p = &peak{until: at + vpaInterval}
		v.peaks[pod] = p
	}
	for at >= p.until {
		p.until, p.value, p.counts = p.until+vpaInterval, 0, false
	}
	if p.counts && bytes <= p.value {
		return
	}
	if p.counts {
		v.memory.add(p.value, -1, p.until)
	}
	p.value, p.counts = bytes, true
	v.memory.add(bytes, 1, p.until)
}

// AddOOM records that a pod was killed with at least so many bytes: the next peak is
// taken for OOMBump or OOMFactor more, whichever is more.
func (v *VPA) AddOOM(at int64, pod string, bytes float64) {
	v.addMemory(at, pod, max(bytes+v.OOMBump, bytes*v.OOMFactor))
}

// Bounds are a target and the range around it in which a request is left alone.
type Bounds struct{ Target, Lower, Upper float64 }

// Recommendation is in milli-cores and bytes, both truncated as the API does.
type Recommendation struct{ CPU, Memory Bounds }

// Recommend is the present recommendation; ok is false without history.
func (v *VPA) Recommend() (r Recommendation, ok bool) {
	days := min(float64(v.last-v.first)/float64(vpaInterval), float64(v.samples)/(24*60))
	if days <= 0 {
		return r, false
	}
	r.CPU = v.bounds(v.cpu, days, 1000, vpaMinCPU)
	r.Memory = v.bounds(v.memory, days, 1, vpaMinMemory)
	return r, true
}

// bounds computes percentiles, the margin and the confidence factors; each step
// truncates to whole units.
func (v *VPA) bounds(h *histogram, days, units, least float64) Bounds {
	scaled := func(p, confidence float64) float64 {
		x := math.Trunc(math.Trunc(h.percentile(p)*units) * (1 + v.Margin))
		return max(least, math.Trunc(x*confidence))
	}
	return Bounds{
		Target: scaled(v.Target, 1),
		Lower:  scaled(v.Lower, math.Pow(1+.001/days, -2)),
		Upper:  scaled(vpaUpper, 1+1/days),
	}
}

// histogram has buckets that grow by 5 % and weights that halve in 24 h: newer
// samples weigh more, which is the same and needs no rescaling until the weights
// are large.
type histogram struct {
	first     float64 // width of the first bucket
	weights   []float64
	reference int64 // time at which a weight counts once
}

func newHistogram(first, largest float64) *histogram {
	n := 1 + int(math.Ceil(math.Log(largest*(vpaBucketGrowth-1)/first+1)/math.Log(vpaBucketGrowth)))
	return &histogram{first: first, weights: make([]float64, n)}
}

// start is where a bucket begins: the sum of a geometric series.
func (h *histogram) start(bucket int) float64 {
	return h.first * (math.Pow(vpaBucketGrowth, float64(bucket)) - 1) / (vpaBucketGrowth - 1)
}

func (h *histogram) bucket(x float64) int {
	if x < h.first {
		return 0
	}
	i := int(math.Log(x*(vpaBucketGrowth-1)/h.first+1) / math.Log(vpaBucketGrowth))
	return min(i, len(h.weights)-1)
}

func (h *histogram) add(x, weight float64, at int64) {
	if doublings := float64(at-h.reference) / float64(vpaInterval); doublings > 100 {
		shift := math.Round(doublings)
		for i := range h.weights {
			h.weights[i] *= math.Exp2(-shift)
		}
		h.reference += int64(shift) * vpaInterval
	}
	i := h.bucket(x)
	h.weights[i] = max(0, h.weights[i]+float64(weight*math.Exp2(float64(at-h.reference)/float64(vpaInterval))))
}

// percentile is the upper end of the bucket in which it lies; 0 without samples.
func (h *histogram) percentile(p float64) float64 {
	total, sum := 0.0, 0.0
	for _, w := range h.weights {
		total += w
	}
	if total == 0 {
		return 0
	}
	for i, w := range h.weights {
		if sum += w; sum >= p*total {
			return h.start(min(i+1, len(h.weights)-1))
		}
	}
	return h.start(len(h.weights) - 1)
}
