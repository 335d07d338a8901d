package live

import (
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// specRule is a RuleSpec at work: what it decides, on what its watcher saw.
type specRule struct {
	spec      RuleSpec
	p         *Pipeline
	w         *watcher
	level     int   // of the watcher's levels
	sweep     int   // of its sweeps, for a count rule
	burns     []int // of its burns, one a burn of the rule
	mark      int   // of its marks, for calm
	calmAt    int   // of its calmFor
	totals    bool  // the condition needs every span of the window
	condition string
	// key says what is watched for, and how: over a reload and a restart a rule goes on
	// where one of the same key was.
	key   string
	began int64 // when the rule began to watch; minTime: with the pipeline
}

func newSpecRule(spec RuleSpec, p *Pipeline) *specRule {
	w := spec.When
	return &specRule{spec: spec, p: p, totals: w.Share > 0 || w.Always, condition: w.String(), began: minTime, key: watchKey(&spec)}
}

// watchKey says which spans a rule looks at and what it keeps of them: all that its
// windows depend on, and nothing of what it does about them.
func watchKey(s *RuleSpec) string {
	w := s.When
	key := fmt.Sprintf("%s %v %v %t", familyKey(s), w.Latency, w.Window, w.Share > 0 || w.Always)
	if w.SLO != nil {
		for _, b := range w.SLO.Burns {
			key += fmt.Sprintf(" burn %v %v", b.Long, b.Short)
		}
	}
	if c := s.Calm; c != nil {
		key += fmt.Sprintf(" calm %g %v", c.Below, c.For)
	}
	return key
}

// group is what is counted for one service, one call or all that matches.
type group struct {
	service  *service
	call     trace.Call // ByCall only
	calls    []trace.Call
	notes    []note // what is not counted yet, see watcher.note
	breaches window[breach]
	total    ends
	burns    []buckets[goodBad] // by watcher.burns
	calm     []buckets[int64]   // spans, by watcher.calmFor
	lastHot  []int64            // latest end of a span above a mark and not the next one, by watcher.marks
	began    int64              // when it was first seen; minTime: before the first tick
	asked    asked
}

// breach is one span over a threshold: 64 bytes with its end, and a verdict where
// blame is asked for.
type breach struct {
	trace   trace.TraceID
	dur     int64
	limit   int64 // of a baseline
	span    trace.SpanID
	verdict *verdict
	level   int32 // the highest that it broke
	failed  bool  // by its status
}

func (w *watcher) newGroup(svc *service, call trace.Call) *group {
	g := &group{service: svc, call: call, began: minTime, breaches: newWindow[breach](MaxWindow), total: ends{max: maxTotals}}
	setLevels(&g.breaches, w)
	for _, b := range w.burns {
		g.burns = append(g.burns, b.ring())
	}
	for _, d := range w.calmFor {
		g.calm = append(g.calm, calmRing(d, w.skew))
	}
	for range w.marks {
		g.lastHot = append(g.lastHot, minTime)
	}
	return g
}

// setLevels gives each level of w room of its own.
func setLevels(b *window[breach], w *watcher) {
	b.levels, b.levelOf = len(w.levels), func(b *breach) int32 { return b.level }
}

// ring is one for counts of a burn rate: windows are exact to a 30th of the short one.
func (b burnShape) ring() buckets[goodBad] { return newBuckets[goodBad](max(1, b.short/30), b.long) }

// calmRing is one for spans that end within d, and up to skew in the future.
func calmRing(d, skew int64) buckets[int64] { return newBuckets[int64](max(1, (d+skew)/64), d+skew) }

// goodBad counts the spans of a bucket, and how many of them broke a level and not
// the next one.
type goodBad struct {
	all int64
	bad []int64 // nil: none
}

func (c *goodBad) add(level, levels int) {
	c.all++
	if level < 0 {
		return
	}
	if c.bad == nil {
		c.bad = make([]int64, levels)
	}
	c.bad[level]++
}

// hotSince is the latest end of a span above a mark.
func (g *group) hotSince(mark int) int64 { return slices.Max(g.lastHot[mark:]) }

// takeOver takes the groups of a watcher of the same family. What it counted by
// levels that are gone goes to the next lower one; what it did not count begins
// empty, and rules that need it look no further back than they began.
func (w *watcher) takeOver(old *watcher) {
	w.groups, w.byKey, w.ofCall, w.seen, w.limit = old.groups, old.byKey, old.ofCall, old.seen, old.limit
	for _, g := range w.groups {
		fresh := w.newGroup(g.service, g.call)
		fresh.calls, fresh.began, fresh.total = g.calls, g.began, g.total
		fresh.breaches.entries, fresh.breaches.sorted, fresh.breaches.dropped = g.breaches.entries, g.breaches.sorted, g.breaches.dropped
		w.convert(fresh, g, old)
		*g = *fresh
	}
}

// convert fills g from one that was counted by old's levels, rings and marks.
func (w *watcher) convert(g, from *group, old *watcher) {
	level := make([]int, len(old.levels)) // of w, by that of old; -1: below all
	for l, limit := range old.levels {
		level[l] = lastAtMost(w.levels, limit)
	}
	for i := range g.breaches.entries {
		b := &g.breaches.entries[i].load
		b.level = int32(len(w.levels) - 1)
		if !b.failed && w.levels[0] != noLimit {
			b.level = int32(w.levelOf(b.dur, noLimit))
		}
	}
	g.breaches.remove(func(b *breach) bool { return b.level < 0 })
	for i, shape := range w.burns {
		if k := slices.Index(old.burns, shape); k >= 0 {
			g.burns[i].copyFrom(&from.burns[k], func(c goodBad) goodBad { return c.converted(level, len(w.levels)) })
		}
	}
	for i, d := range w.calmFor {
		if k := slices.Index(old.calmFor, d); k >= 0 {
			g.calm[i].copyFrom(&from.calm[k], func(n int64) int64 { return n })
		}
	}
	for i, m := range w.marks {
		// What was above a mark that is gone was above those below it.
		for k, o := range old.marks {
			if w.markValue(m, 1) <= old.markValue(o, 1) && (i+1 == len(w.marks) || w.markValue(w.marks[i+1], 1) > old.markValue(o, 1)) {
				g.lastHot[i] = max(g.lastHot[i], from.lastHot[k])
			}
		}
	}
}

// lastAtMost is the index of the last of levels that is at most limit, -1: none.
func lastAtMost(levels []int64, limit int64) int {
	for l := len(levels) - 1; l >= 0; l-- {
		if levels[l] <= limit {
			return l
		}
	}
	return -1
}

func (c goodBad) converted(level []int, levels int) goodBad {
	out := goodBad{all: c.all}
	for l, n := range c.bad {
		if n == 0 || level[l] < 0 {
			continue
		}
		if out.bad == nil {
			out.bad = make([]int64, levels)
		}
		out.bad[level[l]] += n
	}
	return out
}
