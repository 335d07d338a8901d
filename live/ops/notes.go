package ops

import (
	"slices"

	"github.com/scale-eval/scale-eval/live"
)

// Noted is a decision and how often it was made: the newest, since it was made first
// without one that was done in between.
type Noted struct {
	live.Decision
	Times int64 `json:"times"`
}

// Notes keep the newest decisions for a View. What was done is kept apart: a target
// that is held, or a dry run, says the same at every tick and would displace it.
type Notes struct {
	Done []Noted // acted or failed, newest first, at most MaxDecisions
	Held []Noted // the others
}

// Add notes a decision. What says the same as an earlier one replaces it, but for
// actions that were carried out: each of these is one.
func (n *Notes) Add(d live.Decision) {
	list := &n.Held
	if d.Outcome == live.Acted || d.Outcome == live.Failed {
		list = &n.Done
	}
	times := int64(1)
	same := func(o Noted) bool { return d.Outcome != live.Acted && alike(&o.Decision, &d) }
	if i := slices.IndexFunc(*list, same); i >= 0 {
		times += (*list)[i].Times
		*list = slices.Delete(*list, i, i+1)
	}
	*list = append([]Noted{{d, times}}, (*list)[:min(len(*list), MaxDecisions-1)]...)
}

// alike says whether two decisions read the same but for their numbers.
func alike(a, b *live.Decision) bool {
	return a.Target == b.Target && a.Service == b.Service && a.Outcome == b.Outcome && a.Reason == b.Reason &&
		a.Direction == b.Direction && a.Kind == b.Kind && a.From == b.From && a.To == b.To && a.Err == b.Err && a.Why.Rule == b.Why.Rule
}

// View gives v its own copies.
func (n *Notes) View(v *View) { v.Done, v.Held = slices.Clone(n.Done), slices.Clone(n.Held) }
