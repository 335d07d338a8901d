package live

import (
	"fmt"
	"math"
	"time"
)

// respond fills in what a response asks for. svc is nil for a peer that sends no
// spans.
func (r *specRule) respond(a *Action, svc *service, resp Response, now int64) {
	s := r.p.set.Settings
	a.Target = resp.Target
	a.Kind = resp.Kind
	if resp.Kind == Auto {
		a.Kind = Horizontal
		if svc != nil {
			a.complete()
			b := svc.bottleneck(now, r.retention(), s.Lateness, a.Why.Blame)
			a.Why.Bottleneck = b
			if b.Kind == Auto {
				a.hold(ReasonElsewhere, "scaling it would not help")
				return
			}
			a.Kind = b.Kind
		}
	}
	if a.Kind == Vertical {
		r.respondVertical(a, resp)
		if resp.Kind == Auto {
			r.prepareFallback(a, svc, resp.Horizontal, now)
		}
		return
	}
	r.respondHorizontal(a, svc, resp.Horizontal, now)
}

// respondVertical takes the amounts of the response; when the bottleneck names a
// resource, only that one, if the response has it.
func (r *specRule) respondVertical(a *Action, resp Response) {
	a.Amounts = resp.Vertical
	b := a.Why.Bottleneck
	if b == nil {
		return
	}
	for _, v := range resp.Vertical {
		if v.Resource == b.Resource {
			a.Amounts = []ResourceAmount{v}
			return
		}
	}
	a.note(fmt.Sprintf("the rule has no amount for %s", b.Resource))
}

// prepareFallback says what to do when the target turns out not to be resizable.
func (r *specRule) prepareFallback(a *Action, svc *service, h *HorizontalResponse, now int64) {
	other := *a
	r.respondHorizontal(&other, svc, h, now)
	if other.Direction != Hold { // or its amount is not known
		a.fallback, a.Amount, a.carry = true, other.Amount, other.carry
	}
}

func (r *specRule) respondHorizontal(a *Action, svc *service, h *HorizontalResponse, now int64) {
	switch {
	case h.MaxFactor > 0:
		a.complete()
		a.Amount = Amount{Factor, proportion(&a.Why, h.MaxFactor)}
	case h.Concurrency > 0:
		r.respondConcurrency(a, svc, h.Concurrency, now)
	default:
		a.Amount = h.Amount
	}
}

// proportion is how many times the median breach is over the threshold, at most
// most. A breach without a threshold, an error, counts as most.
func proportion(w *Why, most float64) float64 {
	if w.ThresholdNs <= 0 {
		return most
	}
	return min(max(float64(w.MedianNs)/float64(w.ThresholdNs), 1), most)
}

// respondConcurrency wants so many replicas that each has target requests in
// flight, by Little's law.
func (r *specRule) respondConcurrency(a *Action, svc *service, target float64, now int64) {
	if svc == nil {
		a.hold(ReasonUnknown, "it sends no spans: its concurrency is unknown")
		return
	}
	l, missing := r.p.load(svc, a.Why.WindowStart, now-int64(r.p.set.Settings.Lateness), loadWindow(a))
	if l == nil {
		a.hold(ReasonUnknown, missing)
		return
	}
	a.Why.Load = l
	a.Amount = Amount{Absolute, max(1, math.Ceil(l.InFlight/target*(1-1e-9)))}
	if l.Saturated {
		a.carry = l.Arrivals / l.Served
	}
}

// loadWindow is the length of the action's window.
func loadWindow(a *Action) time.Duration {
	return time.Duration(a.Why.WindowEnd - a.Why.WindowStart)
}

// isCalm says whether the group has been well below its threshold, with traffic,
// for as long as the rule wants.
func (r *specRule) isCalm(g *group, now int64) bool {
	c := r.spec.Calm
	from := now - int64(c.For)
	if g.hotSince(r.mark) > from || max(r.p.started, r.began, g.began) > from || g.service.hotLast > from {
		return false
	}
	return r.calmSpans(g, now) >= c.MinSpans
}

// calmSpans is how many spans ended within Calm.For.
func (r *specRule) calmSpans(g *group, now int64) (n int64) {
	g.calm[r.calmAt].each(now-int64(r.spec.Calm.For), now+int64(r.p.set.Settings.Skew), func(c *int64) { n += *c })
	return n
}

// calmDown makes a the action of a calm group.
func (r *specRule) calmDown(a *Action, g *group, now int64) bool {
	c := r.spec.Calm
	from := now - int64(c.For)
	*a = Action{Service: g.service.name, Direction: Down, Priority: r.spec.Priority, DryRun: r.spec.DryRun, Why: Why{
		Rule: r.spec.Name, Service: g.service.name, WindowStart: from, WindowEnd: now,
		Condition: fmt.Sprintf("calm: nothing over %g %% of the threshold for %v", 100*c.Below, c.For),
		Spans:     r.calmSpans(g, now),
	}}
	if r.spec.By == ByCall {
		a.Why.Call = r.p.calls.Name(g.call)
	}
	r.respond(a, g.service, c.Then, now)
	if c.Then.Target.IsZero() {
		a.Target = r.spec.Then.Target
	}
	switch since, wait := r.settling(a, now); {
	case wait != "":
		a.hold(ReasonSettle, wait)
	case since > from:
		a.hold(ReasonSettle, fmt.Sprintf("calm for only %v since the last action on it settled", time.Duration(now-since)))
	}
	return true
}
