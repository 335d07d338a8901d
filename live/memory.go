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
}

// ChangeMemory is one change within the horizon of the target's rate limits.
type ChangeMemory struct {
	At        int64 `json:"at"`
	Direction int8  `json:"direction"` // -1 or 1
	From      int   `json:"from"`
	To        int   `json:"to"`
}

// Memory is what guards remember, in the order of targets. Stabilisation is not in
// it: after a restart it begins anew, which holds longer and never acts too early.
func (p *Pipeline) Memory() []TargetMemory {
	var out []TargetMemory
	for target, st := range p.targets.states {
		m := TargetMemory{Target: target, Acted: st.changed, Last: st.last}
		for _, c := range st.changes {
			m.Changes = append(m.Changes, ChangeMemory{c.at, int8(c.direction), c.from, c.to})
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b TargetMemory) int { return a.Target.compare(b.Target) })
	return out
}

// Remember takes over what Memory of an earlier pipeline said. Call it before the
// first Tick.
func (p *Pipeline) Remember(memory []TargetMemory) {
	for _, m := range memory {
		st := p.targets.state(m.Target, m.Last)
		st.changed, st.last, st.changes = m.Acted, m.Last, nil
		// Nothing is known of what was wanted since: the first tick says so.
		st.wants = nil
		for _, c := range m.Changes {
			st.changes = append(st.changes, change{c.At, Direction(c.Direction), c.From, c.To})
		}
	}
}
