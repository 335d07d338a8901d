package live

import (
	"fmt"
	"strconv"
	"time"
)

// finding is what a test of one group found at a tick.
type finding struct {
	fires  bool
	why    Why
	lo, hi int // breaches of the window
}

// Evaluate implements [Rule]: at most one action a group.
func (r *specRule) Evaluate(now int64) []Action {
	r.refreshLimits()
	if !active(r.spec.Active, now) {
		return nil
	}
	var out []Action
	for _, g := range r.watching().groups {
		g.tidy(r, now)
		switch a, fires := r.act(g, now); {
		case fires:
			out = append(out, a)
		case g.calm != nil && r.isCalm(g, now):
			out = append(out, r.calmDown(g, now))
		}
	}
	return out
}

// watching is the rule whose windows r decides by: its own, or its leader's.
func (r *specRule) watching() *specRule {
	if r.leader != nil {
		return r.leader
	}
	return r
}

// tidy forgets what no window of the rule can reach any more.
func (g *group) tidy(r *specRule, now int64) {
	horizon := now - int64(r.retention()) - int64(r.p.set.Settings.Lateness)
	dropped := g.breaches.dropped
	g.breaches.tidy(horizon)
	g.total.tidy(horizon)
	r.p.counters.WindowDropped += g.breaches.dropped - dropped
}

// retention is how long breaches are kept: for an SLO they are only evidence.
func (r *specRule) retention() time.Duration {
	d := r.spec.When.Window
	if slo := r.spec.When.SLO; slo != nil {
		for _, b := range slo.Burns {
			d = max(d, b.Short)
		}
	}
	return d
}

// act is what the rule wants on the evidence of a group, if it fires. Where the
// rule has acted before and settles, it must fire again on what came since.
func (r *specRule) act(g *group, now int64) (a Action, fires bool) {
	since := int64(minTime)
	// New evidence may point at another target, which settles by its own time.
	const redirects = 3
	for range redirects {
		f := r.test(g, now, since)
		if !f.fires {
			if since > minTime {
				a.hold(ReasonSettle, fmt.Sprintf("%d spans since the last action of the rule settled", f.hi-f.lo))
			}
			return a, since > minTime
		}
		a = r.fire(g, f, now)
		settled, wait := r.settling(&a, now)
		if wait != "" {
			a.hold(ReasonSettle, wait)
		}
		if a.Direction == Hold || settled <= since {
			return a, true
		}
		since = settled
	}
	a.hold(ReasonSettle, "its spans point at ever other targets")
	return a, true
}

// settling is targets.settled for an action of the rule.
func (r *specRule) settling(a *Action, now int64) (since int64, wait string) {
	if r.spec.Settle == 0 || a.Direction == Hold {
		return minTime, ""
	}
	return r.p.targets.settled(r.spec.Name, r.p.targetOf(a), r.spec.Settle, now)
}

// test looks at the windows of a group that reach up to now, without what ended at
// or before since.
func (r *specRule) test(g *group, now, since int64) finding {
	w := r.spec.When
	switch {
	case w.SLO != nil:
		return r.testBurn(g, now, since)
	case w.Times > 0:
		return r.testCount(g, now, since)
	}
	return r.testShare(g, now, since)
}

// testCount is equation 4 of the paper: Count(D > T, window) >= N. Spans come late,
// so every window that ended at most Lateness ago is looked at.
func (r *specRule) testCount(g *group, now, since int64) finding {
	s, w := r.p.set.Settings, r.spec.When
	lo, hi, edge := g.fullest(r.p.counters.Ticks, int64(w.Window), now-int64(s.Lateness), now+int64(s.Skew), since)
	f := r.found(g, lo, hi, max(edge-int64(w.Window), since), edge)
	f.why.Need = int64(w.Times)
	f.fires = hi-lo >= w.Times
	return f
}

// testShare looks at the window that ends now only: the largest share of many
// windows would be noise that was looked for.
func (r *specRule) testShare(g *group, now, since int64) finding {
	w := r.spec.When
	edge := now + int64(r.p.set.Settings.Skew)
	from := max(now-int64(w.Window), since)
	if len(g.total.entries) == maxTotals {
		from = max(from, g.total.entries[0].end-1) // the window is as long as it is full
	}
	f := r.found(g, g.breaches.after(from), g.breaches.after(edge), from, now)
	f.why.Spans = int64(g.total.count(from, edge))
	enough := f.why.Spans > 0 && f.why.Spans >= w.MinSpans
	f.fires = enough && (w.Always || float64(f.why.Count) > float64(w.Share*float64(f.why.Spans)))
	return f
}

func (r *specRule) testBurn(g *group, now, since int64) finding {
	slo := r.spec.When.SLO
	edge := now + int64(r.p.set.Settings.Skew)
	for i, b := range slo.Burns {
		// The long window says that it matters, and may look at what is dealt with.
		recent := max(now-int64(b.Short), since)
		long, short := g.burned(i, now-int64(b.Long), edge), g.burned(i, recent, edge)
		lr, sr := long.rate(slo.Objective), short.rate(slo.Objective)
		if long.good+long.bad < max(1, r.spec.When.MinSpans) || lr < b.Rate || sr < b.Rate {
			continue
		}
		f := r.found(g, g.breaches.after(recent), g.breaches.after(edge), now-int64(b.Long), now)
		f.fires = true
		f.why.Count, f.why.Spans, f.why.BurnLong, f.why.BurnShort = long.bad, long.good+long.bad, lr, sr
		return f
	}
	return finding{}
}

func (g *group) burned(i int, from, to int64) (sum goodBad) {
	g.burns[i].each(from, to, func(c *goodBad) { sum.good += c.good; sum.bad += c.bad })
	return sum
}

// rate is how many times faster than allowed the error budget burns.
func (c goodBad) rate(objective float64) float64 {
	n := c.good + c.bad
	if n == 0 {
		return 0
	}
	return float64(c.bad) / float64(n) / (1 - objective)
}

// found starts the explanation of a window's breaches.
func (r *specRule) found(g *group, lo, hi int, from, edge int64) finding {
	f := finding{lo: lo, hi: hi}
	f.why = Why{
		Rule: r.spec.Name, Condition: r.condition, Service: g.service.name,
		WindowStart: from, WindowEnd: edge, Count: int64(hi - lo),
	}
	if r.spec.By == ByRule {
		f.why.Service = ""
	}
	if r.spec.By == ByCall {
		f.why.Call = r.p.calls.Name(g.call)
	}
	return f
}

// fire turns a finding into an action on whoever is to blame.
func (r *specRule) fire(g *group, f finding, now int64) Action {
	ev := g.evidence(r.p, f.lo, f.hi)
	f.why.MedianNs, f.why.MaxNs, f.why.ThresholdNs, f.why.TraceIDs = ev.median, ev.most, ev.threshold, ev.traceIDs
	a := Action{
		Service: g.service.name, Direction: Up, Priority: r.spec.Priority, DryRun: r.spec.DryRun,
		Why: f.why, holdWhile: r.spec.NotWhile, either: r.spec.When.Always, settles: r.spec.Settle > 0,
	}
	if !r.assign(&a, g, ev) {
		return a
	}
	svc := r.p.services.byName[a.Service]
	if svc != nil && !r.spec.When.Always { // to track a load is not to be in trouble
		svc.heat(now, r.retention(), r.p.set.Settings.Lateness)
	}
	r.respond(&a, svc, r.spec.Then, now)
	return a
}

// assign finds who is to blame. It says false when nothing is to be done: the
// action then holds, with a note.
func (r *specRule) assign(a *Action, g *group, ev *evidence) bool {
	if r.spec.Blame == BlameOff || ev.lo == ev.hi {
		return true
	}
	b := ev.blame
	switch {
	case ev.pending:
		return a.hold(ReasonPending, "the traces of its spans are still open")
	case b == nil:
		a.note("no trace left to find the cause in")
		return true
	}
	a.Why.Blame = b
	switch {
	case b.Service == g.service.name:
		return true
	case r.spec.Blame == BlameSuppress:
		return a.hold(ReasonBlame, fmt.Sprintf("%s is the cause", b.Service))
	}
	a.Service = b.Service
	return true
}

func (a *Action) note(s string) { a.Why.Notes = append(a.Why.Notes, s) }

// hold turns a into a decision not to act. It returns false.
func (a *Action) hold(r Reason, because string) bool {
	a.Direction, a.held = Hold, r
	a.note(because)
	return false
}

// String is the condition as an operator would say it.
func (c *Condition) String() string {
	s := ""
	switch {
	case c.Latency > 0:
		s = fmt.Sprintf("latency > %v", c.Latency)
	case c.Multiple > 0:
		s = fmt.Sprintf("latency > %g x its p%g", c.Multiple, 100*c.Quantile)
	}
	if c.Errors {
		if s != "" {
			s += " or "
		}
		s += "error"
	}
	switch {
	case c.SLO != nil:
		s += fmt.Sprintf(", objective %s %%", strconv.FormatFloat(100*c.SLO.Objective, 'g', 6, 64))
	case c.Times > 0:
		s += fmt.Sprintf(", %d times within %v", c.Times, c.Window)
	case c.Share > 0:
		s += fmt.Sprintf(", more than %g %% within %v", 100*c.Share, c.Window)
	case c.Always:
		s = fmt.Sprintf("always, over %v", c.Window)
	}
	return s
}
