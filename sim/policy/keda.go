package policy

import "fmt"

// QueueLength scales on the length of a queue as KEDA v2.21 does: it polls the queue
// to switch the workload between zero and some, and leaves the rest to an HPA on an
// External metric with an average value.
type QueueLength struct {
	Metric         string
	PerReplica     int64     // messages a pod: queueLength, lagThreshold
	Activation     int64     // active above this many messages; default 0
	Polling        int64     // ns, default 30 s; only for 0 <-> 1
	Cooldown       int64     // ns without activity before zero, default 300 s
	Min, Max       int32     // Min 0 allows zero
	Behavior       *Behavior // of the HPA; nil: the controller's built-in limits
	hpa            *HPA
	polled, active int64
	begun          bool
}

var _ Autoscaler = (*QueueLength)(nil)

// NewQueueLength has KEDA's defaults: min 1, max 100, polling 30 s, cooldown 300 s.
func NewQueueLength(metric string, perReplica int64) *QueueLength {
	return &QueueLength{Metric: metric, PerReplica: perReplica, Polling: 30 * second, Cooldown: 300 * second, Min: 1, Max: 100}
}

// Period implements [Autoscaler]: that of the HPA.
func (q *QueueLength) Period() int64 { return 15 * second }

// Decide implements [Autoscaler].
func (q *QueueLength) Decide(now int64, w *Workload) Decision {
	if !q.begun {
		q.begun, q.polled, q.active = true, now-q.Polling, now
		// The HPA that KEDA creates cannot have a minimum of zero.
		q.hpa = NewHPA(max(1, q.Min), q.Max, Metric{Source: External, Name: q.Metric, AverageMilli: 1000 * q.PerReplica})
		q.hpa.Behavior = q.Behavior
	}
	if now-q.polled >= q.Polling {
		q.polled = now
		if d, acted := q.poll(now, w); acted {
			return d
		}
	}
	return q.hpa.Decide(now, w)
}

// poll switches between zero and some.
func (q *QueueLength) poll(now int64, w *Workload) (Decision, bool) {
	s, ok := find(w.Metrics, q.Metric)
	if !ok {
		return Decision{}, false // KEDA leaves the workload alone when the scaler fails
	}
	if s.Milli > 1000*q.Activation {
		q.active = now
		if w.Replicas == 0 {
			return Decision{Replicas: max(1, q.Min), Reason: fmt.Sprintf("active: %d messages", s.Milli/1000)}, true
		}
		return Decision{}, false
	}
	if w.Replicas > 0 && q.Min == 0 && q.active+q.Cooldown < now {
		return Decision{Replicas: 0, Reason: "cooled down"}, true
	}
	return Decision{}, false
}
