package experiment

import (
	"encoding/json"
	"io"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// Timeline is the course of one run, a second of the measured time each.
type Timeline = measure.Timeline

// timeline is a [Timeline] in the making.
type timeline struct {
	Timeline
	warmUp  int64
	pending map[int][]int64 // latencies by the second in which requests began
}

func newTimeline(e *Env, n int) *timeline {
	from, to := e.Case.fault()
	t := &timeline{warmUp: e.Case.WarmUp, pending: map[int][]int64{}}
	t.Case, t.Seed, t.Step = e.Case.Name, e.Seed, 1
	t.From, t.To = (from-e.Case.WarmUp)/1e9, (to-e.Case.WarmUp)/1e9
	t.P50, t.P95 = make([]float64, n), make([]float64, n)
	for _, o := range e.Case.Objectives {
		if ms := float64(o.Latency) / 1e6; t.SLO == 0 || ms < t.SLO {
			t.SLO = ms
		}
	}
	for i, target := range e.Case.Targets {
		t.Services = append(t.Services, measure.ServiceLine{Service: target.Service, Demand: e.Calibration.Demands[i].Pods})
	}
	return t
}

// listen is an audit log that goes on to next, which may be nil, and of which the
// timeline keeps why something was done.
func (t *timeline) listen(next io.Writer) io.Writer {
	if next == nil {
		return reasons{t}
	}
	return io.MultiWriter(next, reasons{t})
}

// reasons reads an audit log: a decision a Write, as package live writes it.
type reasons struct{ t *timeline }

// Write implements io.Writer.
func (r reasons) Write(text []byte) (int, error) {
	var d struct {
		At      int64
		Outcome live.Outcome
		Target  struct{ Name string }
		Text    string `json:"explanation"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return 0, err
	}
	if d.Outcome == live.Acted {
		r.t.Why = append(r.t.Why, measure.Reason{At: seconds(d.At - sim.Epoch - r.t.warmUp), Service: d.Target.Name, Text: d.Text})
	}
	return len(text), nil
}

// patience is how many seconds a second waits for the answers of its requests.
const patience = 120

func (t *timeline) answered(second int, o sim.Outcome) {
	if second >= len(t.P50) {
		return
	}
	t.pending[second] = append(t.pending[second], o.End-o.Start)
}

func (t *timeline) act(c cluster.Change) {
	t.Actions = append(t.Actions, measure.TimelineEvent{
		At: seconds(c.At - t.warmUp), Service: c.Service, From: c.From, To: c.To, Vertical: c.Vertical(),
	})
}

func (t *timeline) sample(second int, p *probe) {
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
func (t *timeline) close(second int) {
	values := t.pending[second]
	if second < 0 || len(values) == 0 {
		return
	}
	t.P50[second], t.P95[second] = float64(quantileOf(values, .5))/1e6, float64(quantileOf(values, .95))/1e6
	delete(t.pending, second)
}

// finish closes what is left.
func (t *timeline) finish(policy string, violated []bool) *Timeline {
	t.Policy, t.Violated = policy, violated
	for second := range t.P50 {
		t.close(second)
	}
	return &t.Timeline
}
