package live

import (
	"fmt"
	"strconv"
	"time"
)

// finding is what a test of one group found at a tick: n of the breaches [lo:hi].
type finding struct {
	fires     bool
	why       Why
	lo, hi, n int
}

// evaluate wants at most one action a group.
func (r *specRule) evaluate(now int64) {
	if !active(r.spec.Active, now) {
		return
	}
	for _, g := range r.w.groups {
		if a := r.p.wanted.next(); r.act(a, g, now) || r.spec.Calm != nil && r.isCalm(g, now) && r.calmDown(a, g, now) {
			r.p.wanted.keep()
		}
	}
}

// act makes a what the rule wants on the evidence of a group, if it fires. Where the
// rule has acted before and settles, it must fire again on what came since.
func (r *specRule) act(a *Action, g *group, now int64) (fires bool) {
	since := int64(minTime)
	// New evidence may point at another target, which settles by its own time.
	const redirects = 3
	for range redirects {
		f := r.test(g, now, max(since, r.began))
		if !f.fires {
			if since > minTime {
				a.hold(ReasonSettle, fmt.Sprintf("%d spans since the last action on it settled", f.n))
			}
			return since > minTime
		}
		r.fire(a, g, &f, now)
		settled, wait := r.settling(a, now)
		if wait == "" && a.Direction == Up && r.spec.Settle > 0 {
			var answered int64
			answered, wait = r.answered(a, g, &f, now)
			settled = max(settled, answered)
		}
		if wait != "" {
			a.hold(ReasonSettle, wait)
		}
		if a.Direction == Hold || settled <= since {
			return true
		}
		since = settled
	}
	a.hold(ReasonSettle, "its spans point at ever other targets")
	return true
}

// settling is targets.settled for an action of the rule.
func (r *specRule) settling(a *Action, now int64) (since int64, wait string) {
	if r.spec.Settle == 0 || a.Direction == Hold {
		return minTime, ""
	}
	return r.p.targets.settled(r.p.targetOf(a), r.spec.Settle, now, a.DryRun || r.p.set.Settings.DryRun)
}

// answered is the time before which the breaches of a group do not count, because they
// were acted on, whichever target it was: while the cause that they named is dealt
// with, a backlog drains through everybody in front of it, who now look like the cause.
// wait says why nothing is to be done yet: what was done is settling, or works.
func (r *specRule) answered(a *Action, g *group, f *finding, now int64) (since int64, wait string) {
	since, done := r.p.targets.answered(g.name(), r.spec.Settle, now, a.DryRun || r.p.set.Settings.DryRun)
	ago := time.Duration(now - done)
	switch {
	case since == minTime:
		return since, ""
	case since > now:
		return since, fmt.Sprintf("what was done %v ago for these spans settles for %v more", ago, time.Duration(since-now))
	}
	if before, after, ok := g.shortening(f.lo, f.hi, r.level); ok {
		return since, fmt.Sprintf("what was done %v ago works: the median breach falls from %v to %v", ago,
			time.Duration(before).Round(time.Millisecond), time.Duration(after).Round(time.Millisecond))
	}
	return since, ""
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
	width, from, to := int64(w.Window), now-int64(s.Lateness), now+int64(s.Skew)
	var x fullest
	if since <= from-width {
		x = g.fullest(r.w, r.sweep, r.level, from, to)
	} else {
		x = g.fullestSince(r.w, r.level, width, from, to, since)
	}
	f := r.found(g, x.lo, x.hi, x.n, max(x.edge-width, since), x.edge)
	f.why.Need = int64(w.Times)
	f.fires = x.n >= w.Times
	return f
}

// testShare looks at the window that ends now only: the largest share of many
// windows would be noise that was looked for.
func (r *specRule) testShare(g *group, now, since int64) finding {
	w := r.spec.When
	edge := now + int64(r.p.set.Settings.Skew)
	from := max(now-int64(w.Window), since)
	if g.total.sorted() == maxTotals {
		from = max(from, g.total.at(0)-1) // the window is as long as it is full
	}
	f := r.found(g, g.breaches.after(from), g.breaches.after(edge), int(g.count(r.w, r.level, from, edge)), from, now)
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
		longest, recent := max(now-int64(b.Long), r.began), max(now-int64(b.Short), since)
		bad, all := g.burn(r.w, r.burns[i], r.level, longest, edge)
		lr := burnRate(bad, all, slo.Objective)
		if all < max(1, r.spec.When.MinSpans) || lr < b.Rate {
			continue
		}
		recentBad, recentAll := g.burn(r.w, r.burns[i], r.level, recent, edge)
		sr := burnRate(recentBad, recentAll, slo.Objective)
		if sr < b.Rate {
			continue
		}
		f := r.found(g, g.breaches.after(recent), g.breaches.after(edge), int(g.count(r.w, r.level, recent, edge)), longest, now)
		f.fires = true
		f.why.Count, f.why.Spans, f.why.BurnLong, f.why.BurnShort = bad, all, lr, sr
		return f
	}
	return finding{}
}

// burnRate is how many times faster than allowed the error budget burns.
func burnRate(bad, all int64, objective float64) float64 {
	if all == 0 {
		return 0
	}
	return float64(bad) / float64(all) / (1 - objective)
}

// found starts the explanation of a window's breaches.
func (r *specRule) found(g *group, lo, hi, n int, from, edge int64) finding {
	f := finding{lo: lo, hi: hi, n: n}
	f.why = Why{
		Rule: r.spec.Name, Condition: r.condition, Service: g.service.name,
		WindowStart: from, WindowEnd: edge, Count: int64(n),
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
func (r *specRule) fire(a *Action, g *group, f *finding, now int64) {
	*a = Action{
		Service: g.service.name, Direction: Up, Priority: r.spec.Priority, DryRun: r.spec.DryRun,
		Why: f.why, holdWhile: r.spec.NotWhile, either: r.spec.When.Always, trouble: !r.spec.When.Always,
		prompted: g.name(), evidence: evidence{r: r, g: g, lo: f.lo, hi: f.hi},
	}
	if !r.assign(a, g, f) {
		return
	}
	svc := r.p.services.byName[a.Service]
	if svc != nil && !r.spec.When.Always { // to track a load is not to be in trouble
		svc.heat(now, r.retention(), r.p.set.Settings.Lateness)
	}
	r.respond(a, svc, r.spec.Then, now)
}

// assign finds who is to blame. It says false when nothing is to be done: the
// action then holds, with a note.
func (r *specRule) assign(a *Action, g *group, f *finding) bool {
	if r.spec.Blame == BlameOff || f.n == 0 {
		return true
	}
	v := g.vote(r.p, r.level, f.lo, f.hi)
	a.evidence.vote = v
	switch {
	case r.waits(v):
		return a.hold(ReasonPending, "the traces of its spans are still open")
	case v.known == 0:
		a.note("no trace left to find the cause in")
		return true
	}
	a.blamed = v.service
	switch {
	case v.service == g.service.name:
		return true
	case r.spec.Blame == BlameSuppress:
		return a.hold(ReasonBlame, fmt.Sprintf("%s is the cause", v.service))
	}
	a.Service = v.service
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
