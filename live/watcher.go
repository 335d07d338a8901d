package live

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// noLimit is the threshold of what has none, or none yet.
const noLimit = math.MaxInt64

// watcher observes spans for all rules that look at the same spans and differ only
// in their thresholds, windows and ways to count. A span costs the same however many
// these are: it is put down once, with the highest threshold that it broke, and each
// rule counts what reached its own.
type watcher struct {
	p      *Pipeline
	key    string
	match  *Match
	by     Grouping
	all    bool // spans break rules whatever the sampler says
	errors bool // spans with error status break every threshold
	blame  bool // a rule asks who is to blame
	totals bool // a rule needs every span of its window
	// multiple, quantile and least are of a baseline; 0: thresholds are absolute.
	multiple, quantile float64
	least              int64
	levels             []int64 // ascending; one, noLimit, without absolute thresholds
	upTo               []int64 // upTo[l]: rules whose threshold is levels[l] or lower
	unproven           int64   // rules that cannot fire before there is a baseline
	retention          int64   // ns that breaches and totals matter
	sweeps             []sweepShape
	burns              []burnShape
	marks              []mark    // ascending
	markAt             []float64 // their values, of absolute thresholds
	calmFor            []int64
	skew               int64 // of the settings: calm is counted that far ahead

	moments []moment // scratch
	groups  []*group // in order of first sight
	byKey   map[groupKey]*group
	ofCall  []*group // by trace.Call; nil: not seen or no match
	seen    []bool   // by trace.Call
	limit   []int64  // by trace.Call: the threshold of a baseline; noLimit: unknown yet
}

// burnShape is the two windows of a burn rate, ns.
type burnShape struct{ long, short int64 }

// sweepShape is one width of window, ns, and the levels that count with it.
type sweepShape struct {
	width  int64
	levels []int32
}

// mark is what calm is measured by: a part of a threshold.
type mark struct {
	level int
	below float64
}

type groupKey struct {
	service string
	call    trace.Call
}

// familyKey says which rules can share a watcher.
func familyKey(s *RuleSpec) string {
	m, w := &s.Match, s.When
	key := fmt.Sprintf("%q %q %v %d %d %t %t %g %g %d", m.Service, m.Operation, m.Kinds, s.By, s.Spans, w.Errors, w.Latency > 0, w.Multiple, w.Quantile, w.MinBaseline)
	for _, a := range m.Attributes {
		key += fmt.Sprintf(" %q=%q", a.Key, a.Value)
	}
	return key
}

// newWatcher watches for rules of one family.
func newWatcher(p *Pipeline, rules []*specRule) *watcher {
	s := &rules[0].spec
	w := &watcher{p: p, key: familyKey(s), match: &s.Match, by: s.By, all: s.Spans == All, errors: s.When.Errors,
		multiple: s.When.Multiple, quantile: s.When.Quantile, least: s.When.MinBaseline, skew: int64(p.set.Settings.Skew), byKey: map[groupKey]*group{}}
	for _, r := range rules {
		w.levels = append(w.levels, thresholdOf(&r.spec))
	}
	w.levels = sorted(w.levels)
	w.upTo = make([]int64, len(w.levels))
	for _, r := range rules {
		w.serve(r)
	}
	for l := 1; l < len(w.upTo); l++ {
		w.upTo[l] += w.upTo[l-1]
	}
	slices.SortFunc(w.marks, func(a, b mark) int { return cmp.Compare(w.markValue(a, 1), w.markValue(b, 1)) })
	for _, r := range rules {
		r.findMark()
	}
	for _, m := range w.marks {
		w.markAt = append(w.markAt, w.markValue(m, noLimit))
	}
	return w
}

// thresholdOf is the absolute threshold of a rule, noLimit without.
func thresholdOf(s *RuleSpec) int64 {
	if s.When.Latency > 0 {
		return int64(s.When.Latency)
	}
	return noLimit
}

func sorted(v []int64) []int64 {
	slices.Sort(v)
	return slices.Compact(v)
}

// at is the index of v in s, where it is put if it is not there.
func at[T comparable](s *[]T, v T) int {
	i := slices.Index(*s, v)
	if i < 0 {
		i = len(*s)
		*s = append(*s, v)
	}
	return i
}

// serve adds what one rule needs.
func (w *watcher) serve(r *specRule) {
	when := r.spec.When
	r.w, r.level = w, slices.Index(w.levels, thresholdOf(&r.spec))
	w.upTo[r.level]++
	w.blame = w.blame || r.spec.Blame != BlameOff
	w.totals = w.totals || r.totals
	w.retention = max(w.retention, int64(r.retention()))
	if !when.Errors && !when.Always {
		w.unproven++
	}
	if when.Times > 0 {
		i := slices.IndexFunc(w.sweeps, func(s sweepShape) bool { return s.width == int64(when.Window) })
		if i < 0 {
			i = len(w.sweeps)
			w.sweeps = append(w.sweeps, sweepShape{width: int64(when.Window)})
		}
		r.sweep = i
		at(&w.sweeps[i].levels, int32(r.level))
	}
	if when.SLO != nil {
		for _, b := range when.SLO.Burns {
			r.burns = append(r.burns, at(&w.burns, burnShape{int64(b.Long), int64(b.Short)}))
		}
	}
	if c := r.spec.Calm; c != nil {
		at(&w.marks, mark{r.level, c.Below})
		r.calmAt = at(&w.calmFor, int64(c.For))
	}
}

// findMark finds the rule's mark among the sorted ones.
func (r *specRule) findMark() {
	if c := r.spec.Calm; c != nil {
		r.mark = slices.Index(r.w.marks, mark{r.level, c.Below})
	}
}

// markValue is the duration in ns above which a span is not calm; limit is that of a
// baseline.
func (w *watcher) markValue(m mark, limit int64) float64 {
	if l := w.levels[m.level]; l != noLimit {
		limit = l
	}
	return float64(m.below * float64(limit))
}

// matches says whether the rules look at spans of a call at all; the answer and the
// call's group are kept.
func (w *watcher) matches(call trace.Call) bool {
	w.reach(call)
	if !w.seen[call] {
		w.seen[call] = true
		if call != trace.OverflowCall && w.match.call(w.p.calls.Service(call), w.p.calls.Operation(call)) {
			w.join(call)
		}
	}
	return w.ofCall[call] != nil
}

// reach makes room for a call.
func (w *watcher) reach(call trace.Call) {
	for int(call) >= len(w.seen) {
		w.seen, w.ofCall, w.limit = append(w.seen, false), append(w.ofCall, nil), append(w.limit, noLimit)
	}
}

func (w *watcher) join(call trace.Call) {
	svc := w.p.serviceOf(call)
	key := w.groupKey(svc, call)
	g := w.byKey[key]
	if g == nil {
		g = w.newGroup(svc, key.call)
		if w.p.ticked {
			g.began = w.p.clock
		}
		w.byKey[key] = g
		w.groups = append(w.groups, g)
	}
	g.calls = append(g.calls, call)
	w.ofCall[call] = g
}

// groupKey is what a call of a service is counted under.
func (w *watcher) groupKey(svc *service, call trace.Call) (key groupKey) {
	switch w.by {
	case ByService:
		key.service = svc.name
	case ByCall:
		key = groupKey{svc.name, call}
	}
	return key
}

// observe sees an admitted span that matches, and looks whether it breaks a threshold.
func (w *watcher) observe(s *Span) {
	g, limit := w.ofCall[s.Call], w.limit[s.Call]
	level := w.levelOf(s.Duration, limit)
	failed := w.errors && s.Status == StatusError
	if failed {
		level = len(w.levels) - 1
	}
	if level < 0 {
		if w.unproven > 0 && limit == noLimit && w.levels[0] == noLimit {
			w.p.counters.Unproven += w.unproven
		}
		return
	}
	if w.all || s.Decision.Keep {
		w.p.counters.Breaches += w.upTo[level]
		w.breach(g, s, level, limit, failed)
	}
}

// levelOf is the highest level that a duration breaks, -1: none.
func (w *watcher) levelOf(dur, limit int64) int {
	if first := w.levels[0]; first == noLimit {
		if dur > limit {
			return 0
		}
		return -1
	} else if dur <= first {
		return -1
	}
	n, _ := slices.BinarySearch(w.levels, dur) // those below dur
	return n - 1
}

// quick says whether only a span over an absolute threshold breaks a rule.
func (w *watcher) quick() bool { return w.levels[0] != noLimit && !w.errors }

// counts says whether the watcher counts spans that break nothing.
func (w *watcher) counts() bool { return w.totals || len(w.burns) > 0 || len(w.calmFor) > 0 }

// note has a span counted that others of its call are not counted with, in a batch with
// other ones of its group.
func (w *watcher) note(s *Span) {
	if !w.counts() {
		return
	}
	g := w.ofCall[s.Call]
	if w.multiple > 0 { // the threshold is the call's own
		w.count(g, w.limit[s.Call], []note{noteOf(s)})
		return
	}
	if g.notes == nil {
		g.notes = make([]note, 0, groupBatch)
	}
	if g.notes = append(g.notes, noteOf(s)); len(g.notes) == groupBatch {
		w.countNotes(g)
	}
}

const groupBatch = 16

// countNotes counts what is noted of a group.
func (w *watcher) countNotes(g *group) {
	w.count(g, noLimit, g.notes)
	g.notes = g.notes[:0]
}

// count counts spans of a group for shares, burn rates and calm.
func (w *watcher) count(g *group, limit int64, notes []note) {
	if w.totals {
		for i := range notes {
			g.total.add(notes[i].end)
		}
	}
	for i := range g.burns {
		ring := &g.burns[i]
		for k := range notes {
			n := &notes[k]
			c := ring.at(n.end)
			switch {
			case c == nil: // it is too late
			case w.errors && n.failed:
				c.add(len(w.levels)-1, len(w.levels))
			default:
				c.add(w.levelOf(n.dur, limit), len(w.levels))
			}
		}
	}
	for i := range g.calm {
		ring := &g.calm[i]
		for k := range notes {
			if n := ring.at(notes[k].end); n != nil {
				*n++
			}
		}
	}
	if len(w.marks) > 0 {
		w.countHot(g, limit, notes)
	}
}

func (w *watcher) countHot(g *group, limit int64, notes []note) {
	for k := range notes {
		n := &notes[k]
		if i := w.hot(n.dur, limit, w.errors && n.failed); i >= 0 {
			g.lastHot[i] = max(g.lastHot[i], n.end)
		}
	}
}

// hot is the highest mark that a span is above, -1: none. Without a threshold nothing
// can be called well below it.
func (w *watcher) hot(dur, limit int64, failed bool) int {
	i := len(w.marks) - 1
	switch {
	case i < 0 || failed:
		return i
	case w.levels[0] != noLimit:
		if float64(dur) <= w.markAt[0] {
			return -1 // the commonest case
		}
		n, _ := slices.BinarySearch(w.markAt, float64(dur)) // those below it
		return n - 1
	case limit == noLimit:
		return i
	}
	for i >= 0 && float64(dur) <= w.markValue(w.marks[i], limit) {
		i--
	}
	return i
}

func (w *watcher) breach(g *group, s *Span, level int, limit int64, failed bool) {
	b := breach{trace: s.TraceID, span: s.ID, dur: s.Duration, limit: limit, level: int32(level), failed: failed}
	if t := w.p.current; t != nil && w.blame {
		b.verdict = t.watch(s.ID)
	}
	g.breaches.add(s.End(), b)
}

// prepare makes the watcher ready for the questions of a tick: thresholds follow
// their baselines, and what no window can reach any more is forgotten.
func (w *watcher) prepare(now int64) {
	if w.multiple > 0 {
		w.refreshLimits()
	}
	horizon := now - w.retention - int64(w.p.set.Settings.Lateness)
	for _, g := range w.groups {
		dropped := g.breaches.dropped
		g.breaches.tidy(horizon)
		g.total.tidy(horizon)
		w.p.counters.WindowDropped += g.breaches.dropped - dropped
		g.asked.reset(g)
	}
}

func (w *watcher) refreshLimits() {
	for call, g := range w.ofCall {
		if g == nil {
			continue
		}
		w.limit[call] = noLimit
		if q := w.p.stats[call].duration.quantile(w.quantile, w.least); !math.IsNaN(q) {
			w.limit[call] = int64(min(float64(q*w.multiple), math.MaxInt64/2))
		}
	}
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
