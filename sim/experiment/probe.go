package experiment

import (
	"errors"
	"slices"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
)

// probe watches one run from outside: it changes nothing of it.
type probe struct {
	env       *Env
	policy    string
	clients   []*watched
	latencies histogram
	changes   []cluster.Change
	noticed   int64
	second    func(violated bool) // nil: nobody asks
	ready     int64               // when what the first change wanted was there
	awaited   []cluster.Change
	supply    [][]float64 // by demand, a step each: mean ready replicas
	ticks     int
	podSec    float64
	coreSec   float64
	overSec   float64
	peakQueue int
	log       *sim.EventLog
	timeline  *timeline
	course    *Timeline // the finished timeline; nil: none was asked for
}

// watched is a client with an objective.
type watched struct {
	Objective
	sent uint64  // at the last tick
	good []int32 // by the second of the measured time in which requests began
	all  []int32
}

func newProbe(e *Env, policy string, o Options) *probe {
	p := &probe{env: e, policy: policy, noticed: -1, ready: -1, second: o.second, latencies: newHistogram()}
	n := int(e.Case.Length / 1e9)
	for _, obj := range e.Case.Objectives {
		if slices.ContainsFunc(p.clients, func(w *watched) bool { return w.Client == obj.Client }) {
			continue // the same requests, for the rules of another service
		}
		p.clients = append(p.clients, &watched{Objective: obj, good: make([]int32, n), all: make([]int32, n)})
	}
	for range e.Calibration.Demands {
		p.supply = append(p.supply, make([]float64, steps(e.Case)))
	}
	if o.Timeline {
		p.timeline = newTimeline(e, n)
	}
	if o.EventLog != nil {
		p.log = sim.NewEventLog(o.EventLog)
		e.System.OnEvent(p.log.Event)
	}
	e.System.OnRequest(p.request)
	e.Cluster.OnChange(p.change)
	e.Noticed = func(at int64) {
		if from, _ := e.Case.fault(); p.noticed < 0 && at >= from {
			p.noticed = at
		}
	}
	// A clock event at the end of each measured second; requests of that instant come
	// before it or belong to the next one.
	every(e.System.Clock(), e.Case.WarmUp, 1e9, p.tick)
	return p
}

func (p *probe) request(o sim.Outcome) {
	if p.log != nil {
		p.log.Request(o)
	}
	if o.Start < p.env.Case.WarmUp {
		return
	}
	second := int((o.Start - p.env.Case.WarmUp) / 1e9)
	for _, w := range p.clients {
		if w.Client != o.Client || second >= len(w.good) {
			continue
		}
		if o.OK {
			p.latencies.add(o.End - o.Start)
		}
		if o.OK && o.End-o.Start <= w.Latency {
			w.good[second]++
		}
		if p.timeline != nil {
			p.timeline.answered(second, o)
		}
	}
}

func (p *probe) change(c cluster.Change) {
	p.changes = append(p.changes, c)
	p.env.Noticed(c.At)
	if from, _ := p.env.Case.fault(); c.At >= from && c.To > c.From && len(p.awaited) == 0 {
		p.awaited = append(p.awaited, c)
	}
	if p.timeline != nil {
		p.timeline.act(c)
	}
}

// tick is the end of a second; the first one only begins the measured time.
func (p *probe) tick() {
	second := p.ticks - 1
	p.ticks++
	for _, w := range p.clients {
		sent := p.env.System.Sent(w.Client)
		if second >= 0 && second < len(w.all) {
			w.all[second] = int32(sent - w.sent)
		}
		w.sent = sent
	}
	if second < 0 || second >= int(p.env.Case.Length/1e9) {
		return
	}
	p.sample(second)
	if p.second != nil {
		p.second(p.certain(second))
	}
}

// certain says whether the latest second was violated of which that is certain at the
// end of another one: all its requests were answered in time, or not.
func (p *probe) certain(now int) (violated bool) {
	behind := int64(0)
	for _, w := range p.clients {
		behind = max(behind, 1+(w.Latency+1e9-1)/1e9)
	}
	k := now - int(behind)
	for _, w := range p.clients {
		violated = violated || k >= 0 && w.violated(k)
	}
	return violated
}

// violated says whether too many of the requests that began in a second missed the
// objective. A request at the very edge of it may be counted in the one before.
func (w *watched) violated(second int) bool {
	return float64(w.late(second)) > float64((1-w.Share)*float64(w.all[second]))
}

func (w *watched) late(second int) int32 { return max(0, w.all[second]-w.good[second]) }

func (p *probe) sample(second int) {
	e := p.env
	for _, t := range e.Case.Targets {
		u := e.System.Usage(t.Service)
		p.podSec += float64(u.Pods)
		p.coreSec += u.Cores
		p.peakQueue = max(p.peakQueue, u.Waiting)
	}
	step := second / stepSeconds
	for i, d := range e.Calibration.Demands {
		_, ready := e.System.Replicas(d.Service)
		if step < len(p.supply[i]) {
			p.supply[i][step] += float64(ready) / stepSeconds
			p.overSec += max(0, float64(e.System.Usage(d.Service).Pods)-d.Pods[step])
		}
	}
	for _, c := range p.awaited {
		if _, ready := e.System.Replicas(c.Service); p.ready < 0 && ready >= c.To {
			p.ready = e.System.Now()
		}
	}
	if p.timeline != nil {
		p.timeline.sample(second, p)
	}
}

func (p *probe) err() error {
	errs := []error{p.env.Cluster.Err(), p.env.System.Audit()}
	if p.log != nil {
		errs = append(errs, p.log.Err())
	}
	return errors.Join(errs...)
}

// measure is called when the run is over.
func (p *probe) measure() *Measures {
	from, _ := p.env.Case.fault()
	since := func(at int64) float64 {
		if at < 0 {
			return -1
		}
		return seconds(at - from)
	}
	m := &Measures{
		P50: p.latencies.quantile(.5), P95: p.latencies.quantile(.95), P99: p.latencies.quantile(.99),
		Detect: since(p.noticed), Decide: -1, Ready: since(p.ready), PodSeconds: p.podSec, CoreSeconds: p.coreSec,
		OverSeconds: p.overSec, PeakQueue: p.peakQueue,
	}
	judge(m, p.env.Case, p.changes)
	violated := p.violations(m)
	p.recovery(m, violated)
	m.Elasticity = p.elasticity()
	if p.timeline != nil {
		p.course = p.timeline.finish(p.policy, violated)
	}
	return m
}

// violations finds the seconds in which an objective was missed. The requests of the
// last ones that may still be in time are left out.
func (p *probe) violations(m *Measures) []bool {
	violated := make([]bool, int(p.env.Case.Length/1e9))
	bad := int64(0)
	for _, w := range p.clients {
		last := len(w.all) - int((w.Latency+1e9-1)/1e9)
		for i := range max(0, last) {
			m.Requests += int64(w.all[i])
			bad += int64(w.late(i))
			violated[i] = violated[i] || w.violated(i)
		}
	}
	for _, v := range violated {
		if v {
			m.ViolatedSeconds++
		}
	}
	if m.Requests > 0 {
		m.ViolatedRequests = 100 * float64(bad) / float64(m.Requests)
	}
	return violated
}

// settled is for how long, in seconds, nothing may be violated at the end of a run
// that has recovered.
const settled = 60

// recovery is the end of the last violation behind the start of the fault; 0: there
// was none. A lone bad second is noise of few requests, two in a row are not.
func (p *probe) recovery(m *Measures, violated []bool) {
	from, _ := p.env.Case.fault()
	begin := int((from - p.env.Case.WarmUp) / 1e9)
	last := -1
	for i := max(begin, 1); i < len(violated); i++ {
		if violated[i] && violated[i-1] {
			last = i
		}
	}
	switch {
	case last >= len(violated)-settled:
		m.Recover = -1
	case last >= 0:
		m.Recover = float64(last + 1 - begin)
	}
}

// elasticity is the mean over the services with a demand.
func (p *probe) elasticity() (sum sim.Elasticity) {
	n := float64(len(p.supply))
	for i, d := range p.env.Calibration.Demands {
		supply := slices.Clone(p.supply[i])
		for j := range supply {
			supply[j] = float64(int(supply[j] + .5))
		}
		if len(supply) < 2 {
			continue
		}
		e := sim.MeasureElasticity(stepSeconds, d.Pods, supply)
		sum.UnderAccuracy += e.UnderAccuracy / n
		sum.OverAccuracy += e.OverAccuracy / n
		sum.UnderTime += e.UnderTime / n
		sum.OverTime += e.OverTime / n
		sum.Instability += e.Instability / n
		sum.Jitter += e.Jitter / n
	}
	return sum
}
