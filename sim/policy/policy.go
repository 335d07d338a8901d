// Package policy holds the autoscalers that the simulator compares, one a file.
//
// Its opinion: a baseline that is easier to beat than the real thing proves nothing.
// So each algorithm here is the documented one to the last rounding, and the ones
// that are not say so in their name (-like). None reads a clock or does I/O:
//
//  1. a [Workload] is what the control plane would know of one service at that
//     moment, with metrics as old and as coarse as the metrics server's;
//  2. [Autoscaler.Decide] turns it into a [Decision]: how many replicas, which
//     resources, and why;
//  3. whoever runs the autoscaler carries it out and asks again after Period.
//
// Quantities are in integer milli-units, as in the Kubernetes API, because the
// rounding is part of the algorithms: 1000 is one core, one byte or one request.
package policy

// Autoscaler decides for one workload. Implementations keep state between
// decisions and are not safe for concurrent use.
type Autoscaler interface {
	// Decide is called every Period with times that never go back.
	Decide(now int64, w *Workload) Decision
	// Period is the time between decisions, ns.
	Period() int64
}

// Workload is a scalable set of pods as the API server and the metrics API show it.
type Workload struct {
	Replicas int32 // spec.replicas of the scale subresource
	Current  int32 // status.replicas
	Pods     []Pod
	// Metrics are those of the whole workload or of something outside (Object and
	// External), such as the length of a queue.
	Metrics []Sample
}

// Pod is one pod as the API shows it.
type Pod struct {
	Name       string
	Terminated bool // has a deletion timestamp, or failed
	Pending    bool // not running yet
	Unreported bool // its node has reported no start time or Ready condition yet
	Ready      bool
	Started    int64 // status.startTime, ns
	Transition int64 // last change of Ready, ns
	Requests   []Sample
	Metrics    []Sample
	OOMKilled  bool // since the decision before
}

// Sample is the value of a metric.
type Sample struct {
	Name   string // "cpu", "memory" or any other
	Milli  int64
	At     int64 // ns
	Window int64 // over which it was averaged, ns
}

// find returns the sample of a name.
func find(samples []Sample, name string) (Sample, bool) {
	for _, s := range samples {
		if s.Name == name {
			return s, true
		}
	}
	return Sample{}, false
}

// Decision is what an autoscaler wants. Replicas equal to those of the workload and
// zero resources mean: leave it as it is.
type Decision struct {
	Replicas           int32
	CPURequestMilli    int64 // 0: keep
	MemoryRequestBytes int64 // 0: keep
	Reason             string
}

const second = int64(1e9)

// NoOp never acts: the lower bound of cost and of effort.
type NoOp struct{}

var _ Autoscaler = NoOp{}

// Decide implements [Autoscaler].
func (NoOp) Decide(_ int64, w *Workload) Decision {
	return Decision{Replicas: w.Replicas, Reason: "no-op"}
}

// Period implements [Autoscaler].
func (NoOp) Period() int64 { return 15 * second }

// Static holds a fixed number of replicas: sized for the peak, it is the upper bound
// of cost.
type Static struct{ Replicas int32 }

var _ Autoscaler = Static{}

// Decide implements [Autoscaler].
func (s Static) Decide(int64, *Workload) Decision {
	return Decision{Replicas: s.Replicas, Reason: "static"}
}

// Period implements [Autoscaler].
func (Static) Period() int64 { return 15 * second }
