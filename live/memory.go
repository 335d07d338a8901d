package live

import (
	"maps"
	"slices"
)

// TargetMemory is what guards remember of one target across a restart: without it
// a new process would not know that the old one has just acted. It is plain data,
// fit for JSON.
type TargetMemory struct {
	Target  Target         `json:"target"`
	Acted   bool           `json:"acted"`
	Last    int64          `json:"last"` // the last change, ns since the Unix epoch
	Changes []ChangeMemory `json:"changes,omitempty"`
	Acts    []ActMemory    `json:"acts,omitempty"` // by rule name
}

// ActMemory is what a rule that settles did to the target last.
type ActMemory struct {
	Rule      string           `json:"rule"`
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

// Memory is what guards remember, in the order of targets. Stabilisation is not in
// it: after a restart it begins anew, which holds longer and never acts too early.
func (p *Pipeline) Memory() []TargetMemory {
	var out []TargetMemory
	for target, st := range p.targets.states {
		m := TargetMemory{Target: target, Acted: st.changed, Last: st.last}
		for _, c := range st.changes {
			m.Changes = append(m.Changes, ChangeMemory{c.at, int8(c.direction), c.from, c.to})
		}
		for _, rule := range slices.Sorted(maps.Keys(st.lastActs)) {
			l := st.lastActs[rule]
			act := ActMemory{Rule: rule, At: l.at, Direction: int8(l.direction), To: l.to, Changes: slices.Clone(l.changes)}
			if l.effective != pendingEffect {
				effective := l.effective
				act.Effective = &effective
			}
			m.Acts = append(m.Acts, act)
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
		st.changed, st.last, st.changes = m.Acted, m.Last, nil
		if !known { // nor is what was wanted since: the first tick says so
			st.wants = nil
		}
		for _, c := range m.Changes {
			st.changes = append(st.changes, change{c.At, Direction(c.Direction), c.From, c.To})
		}
		st.lastActs = map[string]*lastAct{}
		for _, act := range m.Acts {
			l := &lastAct{at: act.At, direction: Direction(act.Direction), to: act.To, changes: act.Changes, effective: pendingEffect}
			if act.Effective != nil {
				l.effective = *act.Effective
			}
			st.lastActs[act.Rule] = l
		}
	}
}
