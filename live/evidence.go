package live

import (
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// maxVerdicts is how many verdicts on a window's breaches are counted, the newest
// that are known.
const maxVerdicts = 64

// evidence is what an action rests on: breaches [lo:hi] of a group, of which those of
// the rule's level count. Most actions are folded into another one, so what only an
// explanation needs is looked up when it is asked for, see complete.
type evidence struct {
	r      *specRule
	g      *group
	lo, hi int
	vote   vote
	done   bool
}

// complete fills in what the breaches of an action say. It does nothing for an action
// that rests on none, or the second time.
func (a *Action) complete() {
	e := &a.evidence
	if e.r == nil || e.done {
		return
	}
	e.done = true
	breaches := e.r.p.breaches[:0]
	for i := e.lo; i < e.hi; i++ {
		if b := &e.g.breaches.entries[i].load; b.level >= int32(e.r.level) {
			breaches = append(breaches, b)
		}
	}
	e.r.p.breaches = breaches
	defer clear(breaches) // or it would keep a window that is gone
	if len(breaches) == 0 {
		return
	}
	e.r.measure(&a.Why, breaches)
	if e.r.spec.Blame != BlameOff && e.vote.known > 0 && !e.r.waits(e.vote) {
		known, unseen := verdicts(e.r.p.verdicts[:0], breaches, e.r.p.traces)
		e.r.p.verdicts = known
		a.Why.Blame = e.r.p.tally(known, unseen)
	}
}

// measure describes breaches, oldest first, of which there is one at least.
func (r *specRule) measure(w *Why, breaches []*breach) {
	durs := r.p.durations[:0]
	for _, b := range breaches {
		durs = append(durs, b.dur)
	}
	r.p.durations = durs
	slices.Sort(durs)
	w.MedianNs, w.MaxNs = durs[len(durs)/2], durs[len(durs)-1]
	w.ThresholdNs = r.w.levels[r.level]
	if w.ThresholdNs == noLimit {
		w.ThresholdNs = breaches[len(breaches)-1].limit
	}
	if w.ThresholdNs == noLimit {
		w.ThresholdNs = 0
	}
	for i := len(breaches) - 1; i >= 0 && len(w.TraceIDs) < MaxTraceIDs; i-- {
		id := breaches[i].trace
		if s := id.String(); id != (trace.TraceID{}) && !slices.Contains(w.TraceIDs, s) {
			w.TraceIDs = append(w.TraceIDs, s)
		}
	}
}

// verdicts appends the newest maxVerdicts that are known to known, which is empty,
// and says how many of the breaches met on the way have lost their trace.
func verdicts(known []verdict, breaches []*breach, traces *traceBuffer) (_ []verdict, unseen int) {
	for i := len(breaches) - 1; i >= 0 && len(known) < maxVerdicts; i-- {
		switch b := breaches[i]; {
		case b.verdict != nil && b.verdict.known:
			known = append(known, *b.verdict)
		case b.verdict == nil || !traces.isOpen(b.trace):
			unseen++
		}
	}
	return known, unseen
}

// waits says whether too many traces are open to say who is to blame.
func (r *specRule) waits(v vote) bool { return v.pending > v.known && v.known < maxVerdicts }
