package live

import (
	"fmt"
	"math"
	"time"
)

// resolve computes what a wants from the target's current state, within bounds. An
// action that would change nothing becomes a hold.
func (st *targetState) resolve(a *Action, cur State, now int64) {
	if a.Direction == Hold {
		return
	}
	if a.Kind == Vertical {
		if !st.awaitReplicas(a, cur, now) {
			return
		}
		st.resolveResources(a, cur)
		why := "no request or limit of it would change"
		switch {
		case len(a.Changes) > 0:
			return
		case !a.fallback:
			a.hold(ReasonNoChange, why)
			return
		case len(cur.Resources) == 0:
			why = "its resources are not known"
		}
		a.note(why + ": more replicas instead")
		a.Kind = Horizontal
	}
	st.resolveReplicas(a, cur, now)
}

// awaitReplicas holds an action that a bottleneck chose to make replicas larger
// while there are fewer of them than wanted, which explains slowness better. Metrics
// that show a replica to be full are not overruled: one that is killed for want of
// memory is never ready. Nor is it held for longer than effectDeadline.
func (st *targetState) awaitReplicas(a *Action, cur State, now int64) bool {
	if cur.Ready >= cur.Replicas {
		return true
	}
	b := a.Why.Bottleneck
	switch missing := fmt.Sprintf("%d of %d replicas are ready", cur.Ready, cur.Replicas); {
	case b == nil || b.Measured || a.Direction != Up:
		return true
	case now-st.missingSince >= effectDeadline:
		a.note(fmt.Sprintf("%s for %v", missing, time.Duration(now-st.missingSince)))
		return true
	default:
		return a.hold(ReasonMissing, missing+": those come before larger ones")
	}
}

// see notes how the target is.
func (st *targetState) see(cur State, now int64) {
	switch {
	case cur.Ready >= cur.Replicas:
		st.missingSince = minTime
	case st.missingSince == minTime:
		st.missingSince = now
	}
}

func (st *targetState) resolveReplicas(a *Action, cur State, now int64) {
	a.From = cur.Replicas
	if cur.Replicas == 0 && a.Amount.Mode != Absolute && a.Direction == Up {
		a.note("it has no replicas")
	}
	want := int(min(a.Amount.apply(int64(cur.Replicas), a.Direction), math.MaxInt32))
	if a.carry > 0 {
		want = max(want, int(min(math.Ceil(float64(cur.Ready)*a.carry*(1-1e-9)), math.MaxInt32)))
	}
	least, most := st.spec.bounds(now)
	a.To = max(want, least)
	if most > 0 {
		a.To = min(a.To, most)
	}
	if a.To != want {
		a.note(fmt.Sprintf("wanted %d, bounds are %s", want, boundsText(least, most)))
	}
	if a.either && a.To < a.From {
		a.Direction = Down
	}
	switch {
	case a.To == a.From:
		a.hold(ReasonNoChange, fmt.Sprintf("it has %d replicas already", a.From))
	case a.To < a.From && a.Direction == Up:
		// Bounds may want fewer than there are, a firing rule must not carry it out.
		a.hold(ReasonNoChange, fmt.Sprintf("it has %d replicas, more than wanted", a.From))
	case a.To > a.From && a.Direction == Down:
		a.hold(ReasonNoChange, fmt.Sprintf("it has %d replicas, fewer than wanted", a.From))
	}
}

func boundsText(least, most int) string {
	if most == 0 {
		return fmt.Sprintf("%d or more", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

func (st *targetState) resolveResources(a *Action, cur State) {
	container := st.spec.Container
	if container == "" && len(cur.Resources) > 0 {
		container = cur.Resources[0].Container
	}
	for _, want := range a.Amounts {
		for _, r := range cur.Resources {
			if r.Container == container && r.Resource == want.Resource {
				st.resolveResource(a, want, r)
			}
		}
	}
}

// resolveResource changes the request, the limit or both, keeps them in bounds and
// the request at or below the limit. What is not set stays unset: giving a limit to
// a container that never had one is not scaling.
func (st *targetState) resolveResource(a *Action, want ResourceAmount, r ResourceState) {
	request, limit := r.Request, r.Limit
	if want.Limits && limit > 0 {
		limit = st.clampResource(want.Resource, want.Amount.apply(limit, a.Direction))
	}
	if want.Requests && request > 0 {
		request = st.clampResource(want.Resource, want.Amount.apply(request, a.Direction))
	}
	if limit > 0 && request > limit {
		a.note(fmt.Sprintf("%s request kept at its limit", want.Resource))
		request = limit
	}
	change := func(isLimit bool, from, to int64) {
		if from > 0 && Direction(sign(to-from)) == a.Direction {
			a.Changes = append(a.Changes, ResourceChange{r.Container, r.Resource, isLimit, from, to})
		}
	}
	change(false, r.Request, request)
	change(true, r.Limit, limit)
}

func (st *targetState) clampResource(r Resource, v int64) int64 {
	b := st.spec.Guard.Resources[r]
	v = max(v, b.Min, 1)
	if b.Max > 0 {
		v = min(v, b.Max)
	}
	return v
}

func sign(d int64) int {
	switch {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}
