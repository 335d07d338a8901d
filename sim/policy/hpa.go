package policy

import (
	"errors"
	"fmt"
	"math"
)

// HPA is the HorizontalPodAutoscaler of Kubernetes (autoscaling/v2), as computed by
// the controller of v1.36: pkg/controller/podautoscaler, files replica_calculator.go
// and horizontal.go. The module sim/conformance runs that controller beside this
// type on random histories. Left out: container resources, the scale-to-zero gate
// (alpha), a Ready condition that is Unknown, and metrics of pods that the API does
// not list.
type HPA struct {
	Min, Max int32
	Metrics  []Metric  // the largest proposal wins
	Behavior *Behavior // nil: the controller's built-in limits

	// What the controller's flags default to; [NewHPA] sets them.
	Tolerance         float64 // 0.1
	Sync              int64   // ns between decisions, 15 s
	DownscaleWindow   int64   // ns, 300 s; without Behavior
	CPUInitialization int64   // ns, 300 s
	InitialReadiness  int64   // ns, 30 s
	recommendations   []recommendation
	added, removed    []change
}

var _ Autoscaler = (*HPA)(nil)

// Metric is what the HPA follows. Exactly one of the targets is set.
type Metric struct {
	Source       Source
	Name         string // "cpu", "memory" for Resource
	Utilization  int32  // percent of the request; Resource only
	AverageMilli int64  // a pod
	ValueMilli   int64  // Object and External only
}

// Source is where a metric comes from.
type Source uint8

const (
	Resource Source = iota // of the pods' containers, by the metrics server
	Pods                   // of the pods, any other
	Object                 // of one object
	External               // of something outside the cluster
)

// NewHPA is an HPA with the controller's default flags. Without metrics it follows
// 80 % of the CPU, as the API server fills in.
func NewHPA(min, max int32, metrics ...Metric) *HPA {
	if len(metrics) == 0 {
		metrics = []Metric{CPU(80)}
	}
	return &HPA{
		Min: min, Max: max, Metrics: metrics, Tolerance: .1, Sync: 15 * second,
		DownscaleWindow: 300 * second, CPUInitialization: 300 * second, InitialReadiness: 30 * second,
	}
}

// CPU is the usual metric: a share of the requested CPU, percent.
func CPU(percent int32) Metric { return Metric{Source: Resource, Name: "cpu", Utilization: percent} }

// RequestRate follows requests a second and pod, as with a metrics adapter.
func RequestRate(perPod float64) Metric {
	return Metric{Source: Pods, Name: "requests", AverageMilli: int64(1000 * perPod)}
}

// Period implements [Autoscaler].
func (h *HPA) Period() int64 { return h.Sync }

// Decide implements [Autoscaler].
func (h *HPA) Decide(now int64, w *Workload) Decision {
	if h.recommendations == nil {
		h.recommendations = []recommendation{{w.Replicas, now}}
	}
	hold := Decision{Replicas: w.Replicas}
	switch {
	case w.Replicas == 0:
		hold.Reason = "disabled at zero replicas"
		return hold
	case w.Replicas > h.Max:
		return h.scale(now, w, h.Max, "above max")
	case w.Replicas < h.Min:
		return h.scale(now, w, h.Min, "below min")
	}
	proposal, reason, err := h.propose(now, w)
	if err != nil {
		hold.Reason = err.Error()
		return hold
	}
	if h.Behavior == nil {
		return h.scale(now, w, h.normalize(now, w.Replicas, proposal), reason)
	}
	return h.scale(now, w, h.limit(now, w.Replicas, h.stabilize(now, w.Replicas, proposal)), reason)
}

// scale remembers a change for the rate limits of a Behavior.
func (h *HPA) scale(now int64, w *Workload, replicas int32, reason string) Decision {
	if h.Behavior != nil && replicas > w.Replicas {
		h.added = remember(h.added, change{replicas - w.Replicas, now}, now-longest(&h.Behavior.Up))
	} else if h.Behavior != nil && replicas < w.Replicas {
		h.removed = remember(h.removed, change{w.Replicas - replicas, now}, now-longest(&h.Behavior.Down))
	}
	return Decision{Replicas: replicas, Reason: reason}
}

// propose is the largest proposal of the metrics. A metric that cannot be read must
// not be the reason for a scale-down.
func (h *HPA) propose(now int64, w *Workload) (replicas int32, reason string, err error) {
	invalid := 0
	for _, m := range h.Metrics {
		n, e := h.follow(now, w, &m)
		if e != nil {
			invalid++
			if err == nil {
				err = fmt.Errorf("metric %s: %w", m.Name, e)
			}
			continue
		}
		if reason == "" || n > replicas {
			replicas, reason = n, m.Name
		}
	}
	if invalid == len(h.Metrics) || invalid > 0 && replicas < w.Replicas {
		return 0, "", err
	}
	return max(0, replicas), reason, nil
}

var (
	errNoPods    = errors.New("no pods")
	errNoMetrics = errors.New("no metrics of ready pods")
	errNoRequest = errors.New("a pod without a request")
	errNoMetric  = errors.New("no such metric")
)

func (h *HPA) follow(now int64, w *Workload, m *Metric) (int32, error) {
	if m.Source == Resource || m.Source == Pods {
		return h.followPods(now, w, m)
	}
	s, ok := find(w.Metrics, m.Name)
	if !ok {
		return 0, errNoMetric
	}
	if m.AverageMilli > 0 {
		total := float64(s.Milli)
		if m.Source == External && s.Milli < 0 {
			total = math.MaxInt64 // the controller takes it for an overflow
		}
		ratio := total / (float64(m.AverageMilli) * float64(w.Current))
		if h.close(ratio) {
			return w.Current, nil
		}
		return ceil(total / float64(m.AverageMilli)), nil
	}
	ratio := float64(s.Milli) / float64(m.ValueMilli)
	if h.close(ratio) {
		return w.Replicas, nil
	}
	if len(w.Pods) == 0 {
		return 0, errNoPods
	}
	ready := 0
	for i := range w.Pods {
		if !w.Pods[i].Pending && w.Pods[i].Ready {
			ready++
		}
	}
	return ceil(ratio * float64(ready)), nil
}

// close reports whether a ratio is near enough to 1 to leave things as they are.
func (h *HPA) close(ratio float64) bool {
	up, down := h.Tolerance, h.Tolerance
	if h.Behavior != nil && h.Behavior.Up.Tolerance != nil {
		up = *h.Behavior.Up.Tolerance
	}
	if h.Behavior != nil && h.Behavior.Down.Tolerance != nil {
		down = *h.Behavior.Down.Tolerance
	}
	return 1-down <= ratio && ratio <= 1+up
}

// ceil rounds up, to what an int32 holds at most. The controller caps most proposals
// in this way too; the others it leaves to the processor.
func ceil(x float64) int32 { return int32(min(math.Ceil(x), math.MaxInt32)) }

// groups are the pods by what their metrics are worth.
type groups struct {
	used             []usage // with a metric that counts
	unready, missing []usage
}

type usage struct{ value, request int64 }

// followPods computes the proposal of a metric that each pod has.
func (h *HPA) followPods(now int64, w *Workload, m *Metric) (int32, error) {
	if len(w.Pods) == 0 {
		return 0, errNoPods
	}
	g, err := h.group(now, w.Pods, m)
	if err != nil {
		return 0, err
	}
	if len(g.used) == 0 {
		return 0, errNoMetrics
	}
	ratio, err := m.ratio(g.used)
	if err != nil {
		return 0, err
	}
	rebalance := len(g.unready) > 0 && ratio > 1
	if !rebalance && len(g.missing) == 0 {
		if h.close(ratio) {
			return w.Replicas, nil
		}
		return ceil(ratio * float64(len(g.used))), nil
	}
	return h.conservative(w, m, g, ratio, rebalance)
}

// conservative fills in what is not known in the way that damps the change, and
// does nothing if that turns it around.
func (h *HPA) conservative(w *Workload, m *Metric, g groups, ratio float64, rebalance bool) (int32, error) {
	if ratio == 1 {
		return w.Replicas, nil // nothing is filled in on target, so the ratio stays
	}
	filled := g.used
	for _, p := range g.missing {
		filled = append(filled, usage{m.fill(ratio, p.request), p.request})
	}
	if rebalance {
		for _, p := range g.unready {
			filled = append(filled, usage{0, p.request})
		}
	}
	again, err := m.ratio(filled)
	if err != nil {
		return 0, err
	}
	if h.close(again) || ratio < 1 && again > 1 || ratio > 1 && again < 1 {
		return w.Replicas, nil
	}
	n := ceil(again * float64(len(filled)))
	if again < 1 && n > w.Replicas || again > 1 && n < w.Replicas {
		return w.Replicas, nil
	}
	return n, nil
}

// fill is what a pod without a metric is taken to use.
func (m *Metric) fill(ratio float64, request int64) int64 {
	switch {
	case ratio > 1:
		return 0
	case m.Utilization > 0:
		return request * int64(max(100, m.Utilization)) / 100
	}
	return m.AverageMilli
}

// ratio is usage over target, after the truncation to whole percents (utilization)
// or milli-units (averages) that the controller does.
func (m *Metric) ratio(pods []usage) (float64, error) {
	value, request := int64(0), int64(0)
	for _, p := range pods {
		value += p.value
		request += p.request
	}
	if m.Utilization == 0 {
		return float64(value/int64(len(pods))) / float64(m.AverageMilli), nil
	}
	if request == 0 {
		return 0, errNoRequest
	}
	return float64(int32(value*100/request)) / float64(m.Utilization), nil
}

func (h *HPA) group(now int64, pods []Pod, m *Metric) (g groups, err error) {
	for i := range pods {
		p := &pods[i]
		request, ok := find(p.Requests, m.Name)
		if m.Utilization > 0 && !ok {
			return g, errNoRequest
		}
		u := usage{request: request.Milli}
		s, found := find(p.Metrics, m.Name)
		u.value = s.Milli
		switch {
		case p.Terminated:
		case p.Pending:
			g.unready = append(g.unready, u)
		case !found:
			g.missing = append(g.missing, u)
		case m.Source == Resource && m.Name == "cpu" && h.initializing(now, p, s):
			g.unready = append(g.unready, u)
		default:
			g.used = append(g.used, u)
		}
	}
	return g, nil
}

// initializing reports whether the CPU of a pod is that of its start-up.
func (h *HPA) initializing(now int64, p *Pod, s Sample) bool {
	if p.Unreported {
		return true
	}
	if p.Started+h.CPUInitialization > now {
		return !p.Ready || s.At < p.Transition+s.Window
	}
	return !p.Ready && p.Started+h.InitialReadiness > p.Transition
}
