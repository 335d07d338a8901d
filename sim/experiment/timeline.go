package experiment

import (
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
)

// Timeline is one run, a second of the measured time each.
type Timeline struct {
	Case     string          `json:"case"`
	Policy   string          `json:"policy"`
	Seed     uint64          `json:"seed"`
	From     int64           `json:"fault_from_s"`
	To       int64           `json:"fault_to_s"`
	SLO      float64         `json:"objective_ms"` // the strictest
	Load     []float64       `json:"load"`         // requests a second
	P50      []float64       `json:"p50_ms"`       // of the requests that began then; 0: none
	P95      []float64       `json:"p95_ms"`
	Violated []bool          `json:"violated"`
	Services []ServiceLine   `json:"services"`
	Actions  []TimelineEvent `json:"actions"`

	warmUp  int64
	pending map[int][]int64 // latencies by the second in which requests began
}

// ServiceLine is one target over time.
type ServiceLine struct {
	Service string    `json:"service"`
	Want    []int     `json:"want"`
	Ready   []int     `json:"ready"`
	Queue   []int     `json:"queue"`
	Demand  []float64 `json:"demand"` // a step of 60 s each
}

// TimelineEvent is one change.
type TimelineEvent struct {
	At       float64 `json:"at_s"` // of the measured time
	Service  string  `json:"service"`
	From     int     `json:"from"`
	To       int     `json:"to"`
	Vertical bool    `json:"vertical,omitempty"`
}

func newTimeline(e *Env, n int) *Timeline {
	from, to := e.Case.fault()
	t := &Timeline{
		Case: e.Case.Name, Seed: e.Seed, From: (from - e.Case.WarmUp) / 1e9, To: (to - e.Case.WarmUp) / 1e9,
		warmUp: e.Case.WarmUp, P50: make([]float64, n), P95: make([]float64, n), pending: map[int][]int64{},
	}
	for _, o := range e.Case.Objectives {
		if ms := float64(o.Latency) / 1e6; t.SLO == 0 || ms < t.SLO {
			t.SLO = ms
		}
	}
	for i, target := range e.Case.Targets {
		t.Services = append(t.Services, ServiceLine{Service: target.Service, Demand: e.Calibration.Demands[i].Pods})
	}
	return t
}

// patience is how many seconds a second waits for the answers of its requests.
const patience = 120

func (t *Timeline) answered(second int, o sim.Outcome) {
	if second >= len(t.P50) {
		return
	}
	t.pending[second] = append(t.pending[second], o.End-o.Start)
}

func (t *Timeline) act(c cluster.Change) {
	t.Actions = append(t.Actions, TimelineEvent{seconds(c.At - t.warmUp), c.Service, c.From, c.To, c.Vertical()})
}

func (t *Timeline) sample(second int, p *probe) {
	load := 0.0
	for _, w := range p.clients {
		load += float64(w.all[second])
	}
	t.Load = append(t.Load, load)
	for i := range t.Services {
		s := &t.Services[i]
		want, ready := p.env.System.Replicas(s.Service)
		s.Want, s.Ready = append(s.Want, want), append(s.Ready, ready)
		s.Queue = append(s.Queue, p.env.System.Usage(s.Service).Waiting)
	}
	t.close(second - patience)
}

// close computes the percentiles of a second whose requests are answered.
func (t *Timeline) close(second int) {
	values := t.pending[second]
	if second < 0 || len(values) == 0 {
		return
	}
	t.P50[second], t.P95[second] = float64(quantileOf(values, .5))/1e6, float64(quantileOf(values, .95))/1e6
	delete(t.pending, second)
}

// finish closes what is left.
func (t *Timeline) finish(policy string, violated []bool) {
	t.Policy, t.Violated = policy, violated
	for second := range t.P50 {
		t.close(second)
	}
}
