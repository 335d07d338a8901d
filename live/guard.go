package live

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// guard applies stabilisation, cooldown and rate limits, in that order. It says
// whether a may be done; what was changed or held is noted in it.
func (st *targetState) guard(a *Action, now int64) bool {
	st.want(want{at: now, direction: a.Direction, kind: a.Kind, to: a.To}, a.DryRun)
	if a.Direction == Hold {
		return false
	}
	return st.stabilise(a, now) && st.cooldown(a, now) && st.limit(a, now)
}

// stabilise lets through what was wanted at every tick of the window, by the
// mildest of the amounts, as the HPA does. What was wanted at the tick before the
// window does not matter: comparisons are strict. guard has just added a want, so
// there is a first one.
func (st *targetState) stabilise(a *Action, now int64) bool {
	g := st.spec.Guard
	window := g.StabiliseUp
	if a.Direction == Down {
		window = g.StabiliseDown
	}
	if window == 0 {
		return true
	}
	mildest, wants := a.To, st.history(a.DryRun).wants
	for _, w := range wants {
		if w.at <= now-int64(window) {
			continue
		}
		if w.direction != a.Direction {
			return a.hold(ReasonStabilise, fmt.Sprintf("not wanted for %v yet", window))
		}
		if w.kind == Horizontal && a.Direction == Up {
			mildest = min(mildest, w.to)
		} else if w.kind == Horizontal {
			mildest = max(mildest, w.to)
		}
	}
	if wants[0].at > now-int64(window) {
		return a.hold(ReasonStabilise, fmt.Sprintf("not watched for %v yet", window))
	}
	return st.moderate(a, mildest, "the mildest within stabilisation")
}

// moderate replaces the wanted replicas by milder ones.
func (st *targetState) moderate(a *Action, to int, because string) bool {
	if a.Kind != Horizontal || to == a.To {
		return true
	}
	if sign(int64(to-a.From)) != int(a.Direction) {
		return a.hold(ReasonNoChange, because+" changes nothing")
	}
	a.note(fmt.Sprintf("%d instead of %d: %s", to, a.To, because))
	a.To = to
	return true
}

func (st *targetState) cooldown(a *Action, now int64) bool {
	d := st.spec.Guard.CooldownUp
	if a.Direction == Down {
		d = st.spec.Guard.CooldownDown
	}
	h := st.history(a.DryRun)
	if !h.changed || now-h.last >= int64(d) {
		return true
	}
	left := time.Duration(h.last + int64(d) - now).Round(time.Millisecond)
	return a.hold(ReasonCooldown, fmt.Sprintf("cooling down for %v more", left))
}

// limit applies the rate limits of the action's direction; the tightest counts.
func (st *targetState) limit(a *Action, now int64) bool {
	to := a.To
	for _, l := range st.spec.Guard.Limits {
		if l.Direction != a.Direction {
			continue
		}
		base, n := st.history(a.DryRun).since(now-int64(l.Per), a)
		if l.Actions > 0 && n >= l.Actions {
			return a.hold(ReasonRate, fmt.Sprintf("%d actions within %v", n, l.Per))
		}
		if reach, ok := l.reach(base); ok && a.Direction == Up {
			to = min(to, reach)
		} else if ok {
			to = max(to, reach)
		}
	}
	if a.Kind == Horizontal && sign(int64(to-a.From)) != int(a.Direction) {
		return a.hold(ReasonRate, "the rate limit is used up")
	}
	return st.moderate(a, to, "rate limit")
}

// since is how many replicas there were before the changes of a's direction after
// from, and how many actions these were.
func (h *history) since(from int64, a *Action) (base, n int) {
	base = a.From
	for _, c := range h.changes {
		if c.at > from && c.direction == a.Direction {
			base -= c.to - c.from
			n++
		}
	}
	return base, n
}

// reach is the farthest that the limit lets replicas go from base. Up is rounded
// up, down is rounded down, as the HPA does.
func (l *RateLimit) reach(base int) (int, bool) {
	d := float64(l.Replicas)
	switch {
	case l.Replicas > 0:
	case l.Percent > 0:
		d = math.Ceil(float64(float64(base)*l.Percent/100) * (1 - 1e-12))
		if l.Direction == Down {
			return int(float64(base) * (1 - l.Percent/100)), true
		}
	default:
		return 0, false
	}
	return base + int(l.Direction)*int(min(d, math.MaxInt32)), true
}

// remember notes what was done at now. Rules that settle wait for the effect of it,
// whichever rule it was that wanted it.
func (st *targetState) remember(a *Action, now int64) {
	keep := now - int64(st.spec.Guard.horizon())
	act := newLastAct(a, now)
	st.tried.remember(a, now, keep, act)
	if !a.DryRun {
		st.done.remember(a, now, keep, act)
	}
}

func (h *history) remember(a *Action, now, keep int64, act *lastAct) {
	h.changed, h.last, h.act = true, now, act
	h.changes = slices.DeleteFunc(h.changes, func(c change) bool { return c.at <= keep })
	h.changes = append(h.changes, change{now, a.Direction, a.From, a.To})
}
