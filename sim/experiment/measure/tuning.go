package measure

// Objective makes one number of a run, the same for every policy: seconds an hour in
// which an objective was missed, and pod-hours an hour at their price. An hour of each
// case counts alike, however long it is played.
type Objective struct {
	Price float64            `json:"price"` // violated seconds that a pod-hour is worth
	Hours map[string]float64 `json:"hours"` // measured, by case
}

// Loss of a run; lower is better.
func (o *Objective) Loss(m *Measures) float64 { return o.Violated(m) + float64(o.Price*o.Pods(m)) }

// Violated seconds an hour.
func (o *Objective) Violated(m *Measures) float64 { return m.ViolatedSeconds / o.Hours[m.Case] }

// Pods is how many there were, on average over the measured time.
func (o *Objective) Pods(m *Measures) float64 { return m.PodSeconds / 3600 / o.Hours[m.Case] }

// Mean of losses, violated seconds an hour and pods over runs.
func (o *Objective) Mean(runs []*Measures) (loss, violated, pods float64) {
	for _, m := range runs {
		n := float64(len(runs))
		loss, violated, pods = loss+o.Loss(m)/n, violated+o.Violated(m)/n, pods+o.Pods(m)/n
	}
	return loss, violated, pods
}

// Tuning is what a search of the policies' configurations came to.
type Tuning struct {
	Objective  Objective     `json:"objective"`
	Budget     int           `json:"budget"` // configurations a policy, its defaults among them
	SearchSeed uint64        `json:"search_seed"`
	Rungs      []Rung        `json:"rungs"`
	Policies   []TunedPolicy `json:"policies"`
	Held       []HeldOut     `json:"held_out"` // a load each; empty: not scored
	Notes      []string      `json:"notes,omitempty"`
}

// Rung is one round of successive halving: what its configurations played.
type Rung struct {
	Cases          []string `json:"cases"`
	Seeds          []uint64 `json:"seeds"`
	Configurations int      `json:"configurations"` // a policy
}

// TunedPolicy is a policy with all that it was tried with.
type TunedPolicy struct {
	Policy string  `json:"policy"`
	Trials []Trial `json:"trials"` // the defaults first
	Chosen int     `json:"chosen"` // index in Trials: the lowest loss of the last rung
	Front  []int   `json:"front"`  // of the last rung by violated seconds and pods, ascending in the former
}

// Trial is one configuration. Its measures are means over what it played in its last
// rung, training seeds all of them.
type Trial struct {
	Name     string            `json:"name"` // as in the record
	Values   map[string]string `json:"values"`
	Rung     int               `json:"rung"` // the last that it reached, from 0
	Loss     float64           `json:"loss"`
	Violated float64           `json:"violated_s_per_hour"`
	Pods     float64           `json:"pods"`
}

// Tuned is the chosen trial.
func (p *TunedPolicy) Tuned() *Trial { return &p.Trials[p.Chosen] }

// HeldOut is how defaults and chosen configurations do at one load, on seeds that took no
// part in the choice.
type HeldOut struct {
	Load  float64 `json:"load"`
	Seeds int     `json:"seeds"` // 1 to so many
	// Scores are a policy each, over all cases.
	Scores []Score `json:"scores"`
	// Rivals compare the tuned reference, the first policy, with the other tuned ones, by
	// loss over all cases.
	Rivals []Comparison `json:"rivals"`
	// RivalCells are the same in each case: a mean over cases hides who has no lever in
	// one and is better in all others.
	RivalCells []Comparison `json:"rival_cells"`
	// Cells are a case and policy each.
	Cells []TunedCell `json:"cells"`
}

// Means of a configuration over seeds.
type Means struct {
	Loss     Estimate `json:"loss"`
	Violated Estimate `json:"violated_s_per_hour"`
	Pods     Estimate `json:"pods"`
}

// Score is a policy by its defaults and tuned; Change is tuned - default, by loss.
type Score struct {
	Policy  string     `json:"policy"`
	Default Means      `json:"default"`
	Tuned   Means      `json:"tuned"`
	Change  Comparison `json:"change"`
}

// TunedCell is a policy in one case; Change is tuned - default, by loss.
type TunedCell struct {
	Policy  string     `json:"policy"`
	Case    string     `json:"case"`
	Default Means      `json:"default"`
	Tuned   Means      `json:"tuned"`
	Change  Comparison `json:"change"`
}

// Score adds the held-out results of a load. run gives a run of the record. Each p-value
// is corrected for all of its kind at this load: policies, rivals, cells of either.
func (t *Tuning) Score(load float64, seeds int, run func(c, policy string, seed uint64) *Measures, cases []string) {
	s := &scoring{t: t, h: HeldOut{Load: load, Seeds: seeds}, run: run}
	var changes, rivals, rivalCells, cells []Comparison
	for i := range t.Policies {
		p := &t.Policies[i]
		before, after := p.Policy, p.Tuned().Name
		s.h.Scores = append(s.h.Scores, Score{Policy: p.Policy, Default: s.means(cases, before), Tuned: s.means(cases, after)})
		changes = append(changes, s.compare(cases, after, before))
		if i > 0 {
			rivals = append(rivals, s.compare(cases, t.Policies[0].Tuned().Name, after))
			for _, c := range cases {
				rivalCells = append(rivalCells, s.compare([]string{c}, t.Policies[0].Tuned().Name, after))
			}
		}
		for _, c := range cases {
			one := []string{c}
			s.h.Cells = append(s.h.Cells, TunedCell{Policy: p.Policy, Case: c, Default: s.means(one, before), Tuned: s.means(one, after)})
			cells = append(cells, s.compare(one, after, before))
		}
	}
	holm(changes)
	holm(rivals)
	holm(rivalCells)
	holm(cells)
	for i := range changes {
		s.h.Scores[i].Change = changes[i]
	}
	for i := range cells {
		s.h.Cells[i].Change = cells[i]
	}
	s.h.Rivals, s.h.RivalCells = rivals, rivalCells
	t.Held = append(t.Held, s.h)
}

type scoring struct {
	t   *Tuning
	h   HeldOut
	run func(c, policy string, seed uint64) *Measures
}

// perSeed is a mean over cases of each seed.
func (s *scoring) perSeed(cases []string, policy string, f func(*Measures) float64) []float64 {
	x := make([]float64, s.h.Seeds)
	for i := range x {
		for _, c := range cases {
			x[i] += f(s.run(c, policy, uint64(i+1))) / float64(len(cases))
		}
	}
	return x
}

func (s *scoring) means(cases []string, policy string) Means {
	o := &s.t.Objective
	return Means{
		estimate(s.perSeed(cases, policy, o.Loss)), estimate(s.perSeed(cases, policy, o.Violated)), estimate(s.perSeed(cases, policy, o.Pods)),
	}
}

// compare is ours - other by loss. One seed says nothing of chance: p is 1.
func (s *scoring) compare(cases []string, ours, other string) Comparison {
	a, b := s.perSeed(cases, ours, s.t.Objective.Loss), s.perSeed(cases, other, s.t.Objective.Loss)
	for i := range a {
		a[i] -= b[i]
	}
	c := Comparison{Measure: "loss", Other: other, Diff: estimate(a), P: 1}
	if len(cases) == 1 {
		c.Case = cases[0]
	}
	if len(a) > 1 {
		c.P = pairedT(a)
	}
	return c
}
