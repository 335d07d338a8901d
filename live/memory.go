package live

import "slices"

// TargetMemory is what guards remember of one target across a restart: without it
// a new process would not know that the old one has just acted. It is plain data,
// fit for JSON.
type TargetMemory struct {
	Target  Target         `json:"target"`
	Acted   bool           `json:"acted"`
	Last    int64          `json:"last"` // the last change, ns since the Unix epoch
	Changes []ChangeMemory `json:"changes,omitempty"`
	Act     *ActMemory     `json:"act,omitempty"` // the last one
}

// ActMemory is what was done to the target last, for rules that settle.
type ActMemory struct {
	At        int64            `json:"at"`
	Direction int8             `json:"direction"`
	To        int              `json:"to"` // replicas; -1: a vertical change
	Changes   []ResourceChange `json:"changes,omitempty"`
	Effective *int64           `json:"effective,omitempty"` // when it was; nil: not yet
}

// ChangeMemory is one change within the horizon of the target's rate limits.
type ChangeMemory struct {
	At        int64 `json:"at"`
	Direction int8  `json:"direction"` // -1 or 1
	From      int   `json:"from"`
	To        int   `json:"to"`
}

// Memory is what guards remember of what was done, in the order of targets. What was
// wanted, and dry runs, are in a [Pipeline.Snapshot] only.
func (p *Pipeline) Memory() []TargetMemory {
	var out []TargetMemory
	for target, st := range p.targets.states {
		h := &st.done
		m := TargetMemory{Target: target, Acted: h.changed, Last: h.last}
		for _, c := range h.changes {
			m.Changes = append(m.Changes, ChangeMemory{c.at, int8(c.direction), c.from, c.to})
		}
		if l := h.act; l != nil {
			m.Act = &ActMemory{At: l.at, Direction: int8(l.direction), To: l.to, Changes: slices.Clone(l.changes)}
			if l.effective != pendingEffect {
				m.Act.Effective = ptr(l.effective)
			}
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b TargetMemory) int { return a.Target.compare(b.Target) })
	return out
}

// Remember takes over what Memory of an earlier pipeline, or of another replica that
// acts, said.
func (p *Pipeline) Remember(memory []TargetMemory) {
	for _, m := range memory {
		_, known := p.targets.states[m.Target]
		st := p.targets.state(m.Target, m.Last)
		if !known { // nor is what was wanted since: the first tick says so
			st.done.wants, st.tried.wants = nil, nil
		}
		for _, h := range []*history{&st.done, &st.tried} {
			h.changed, h.last, h.changes, h.act = m.Acted, m.Last, nil, m.Act.lastAct()
			for _, c := range m.Changes {
				h.changes = append(h.changes, change{c.At, Direction(c.Direction), c.From, c.To})
			}
		}
		st.tried.act = st.done.act // one that takes effect once
	}
}

// lastAct is nil for nil.
func (m *ActMemory) lastAct() *lastAct {
	if m == nil {
		return nil
	}
	l := &lastAct{at: m.At, direction: Direction(m.Direction), to: m.To, changes: m.Changes, effective: pendingEffect}
	if m.Effective != nil {
		l.effective = *m.Effective
	}
	return l
}
