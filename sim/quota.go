package sim

import "math"

// quota is CPU bandwidth control: jobs run on as many cores as they can use until
// the container has used its limit for the period, then all of them stop until the
// next one (Linux CFS bandwidth control; Kubernetes sets periods of 100 ms). A zero
// period switches it off: the limit is then a smooth share.
type quota struct {
	period    int64
	perPeriod float64 // core-ns
	left      float64 // core-ns in this period
	stopped   bool
	refill    Timer // pending while periods follow each other; they end with an idle one
	alarm     Timer // the quota runs out
	throttled uint64
}

const (
	quotaRefill = iota
	quotaSpent
)

// begin starts the first period when a job arrives at an idle processor.
func (q *quota) begin(p *processor) {
	if q.refill == (Timer{}) {
		q.left = q.perPeriod
		q.refill = p.clock.After(q.period, p, quotaRefill)
	}
}

// plan sets the alarm for the moment the quota runs out at the present rate.
func (q *quota) plan(p *processor) {
	p.clock.Cancel(q.alarm)
	perNS := p.rate * float64(len(p.marks))
	if perNS == 0 {
		return
	}
	if wait := math.Ceil(max(0, q.left) / perNS); wait < float64(q.period) {
		q.alarm = p.clock.After(int64(wait), p, quotaSpent)
	}
}

// Handle implements [Handler] for the events of the quota.
func (p *processor) Handle(arg uint64) {
	p.advance()
	q := &p.quota
	switch arg {
	case quotaSpent:
		q.stopped = true
		q.throttled++
	case quotaRefill:
		q.stopped, q.left, q.refill = false, q.perPeriod, Timer{}
		if len(p.marks) > 0 {
			q.refill = p.clock.After(q.period, p, quotaRefill)
		}
	}
	p.reschedule()
}
