package experiment

import (
	"context"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
	"github.com/scale-eval/scale-eval/sim/policy"
)

// Env is one run as a policy sees it.
type Env struct {
	Case        *Case
	Calibration *Calibration
	System      *sim.System
	Topology    *sim.Topology
	Cluster     *cluster.Cluster
	Metrics     *sim.MetricsServer
	Seed        uint64
	// Noticed is to be called when the policy first sees a reason to act, whether or
	// not it acts; times are ns since the start of the run.
	Noticed func(at int64)
	// Audit is where a policy may explain its decisions; nil: nowhere.
	Audit io.Writer
	Setup Setup
	spans func(*trace.Span) // of whoever looks on; nil: nobody
	// would gets what autoscalers decide, instead of the cluster; nil: the cluster does.
	would sim.CarryOut
}

// Autoscale runs an autoscaler on a service, first after a scrape of the metrics.
func (e *Env) Autoscale(service string, a policy.Autoscaler) {
	if e.would != nil {
		e.Metrics.AutoscaleBy(service, a, firstLook, e.would)
		return
	}
	e.Cluster.Autoscale(e.Metrics, service, a, firstLook)
}

// observed calls whoever looks on before f.
func (e *Env) observed(f func(*trace.Span)) func(*trace.Span) {
	if e.spans == nil {
		return f
	}
	return func(s *trace.Span) {
		e.spans(s)
		f(s)
	}
}

// Options of one run.
type Options struct {
	// EventLog gets every event and request as a JSON line. nil: not.
	EventLog io.Writer
	// Audit gets the decisions of SCALE with their reasons, a JSON line each. nil: not.
	Audit io.Writer
	// Timeline asks for one.
	Timeline bool
	// Setup is for SCALE; other policies have none.
	Setup Setup
	// Spans gets each span when it ends, whatever the policy. It is valid during the
	// call. nil: not.
	Spans func(*trace.Span)

	second func(violated bool) // is told of each measured second, once that is certain
	asked  []Policy            // are asked in a run that they leave alone; see [Policy.Asks]
	acted  func(i int)         // is told that asked[i] would have done something, once or more
	tapes  *sim.Tapes          // of the seed; nil: none
}

// Run simulates a case under a policy. cal is that of the case; nil measures it anew.
// Cost: the events of the case, at some 10^6 a second.
func Run(ctx context.Context, c *Case, cal *Calibration, p Policy, seed uint64, o Options) (*Measures, *Timeline, error) {
	if cal == nil {
		var err error
		if cal, err = c.Calibrate(ctx); err != nil {
			return nil, nil, err
		}
	}
	e, err := c.env(cal, seed, o.tapes)
	if err != nil {
		return nil, nil, err
	}
	e.Audit, e.Setup, e.spans = o.Audit, o.Setup, o.Spans
	probe := newProbe(e, p.Name, o)
	if probe.timeline != nil {
		e.Audit = probe.timeline.listen(o.Audit)
	}
	if o.Spans != nil {
		e.System.OnSpan(sim.Epoch, o.Spans)
	}
	finish, err := p.Start(e)
	if err != nil {
		return nil, nil, fmt.Errorf("%s, policy %s: %w", c.Name, p.Name, err)
	}
	if err := e.ask(&o); err != nil {
		return nil, nil, err
	}
	if err := runTo(ctx, e.System, c.end()); err != nil {
		return nil, nil, fmt.Errorf("%s, policy %s, seed %d: %w", c.Name, p.Name, seed, err)
	}
	if finish != nil {
		if err := finish(); err != nil {
			return nil, nil, fmt.Errorf("%s, policy %s: %w", c.Name, p.Name, err)
		}
	}
	if err := probe.err(); err != nil {
		return nil, nil, fmt.Errorf("%s, policy %s, seed %d: %w", c.Name, p.Name, seed, err)
	}
	m := probe.measure()
	m.Case, m.Policy, m.Seed = c.Name, p.Name, seed
	return m, probe.course, nil
}

// ask starts the policies that are only asked.
func (e *Env) ask(o *Options) error {
	for i, p := range o.asked {
		shadow := *e
		shadow.would = func(string, policy.Decision) { o.acted(i) }
		if _, err := p.Start(&shadow); err != nil {
			return fmt.Errorf("%s, policy %s: %w", e.Case.Name, p.Name, err)
		}
	}
	return nil
}

// env is a run of the case that has not begun.
func (c *Case) env(cal *Calibration, seed uint64, tapes *sim.Tapes) (*Env, error) {
	sys, topology, err := c.New(seed, tapes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return &Env{
		Case: c, Calibration: cal, System: sys, Topology: topology, Seed: seed,
		Cluster: cluster.New(sys, topology, c.stateful()...),
		Metrics: sim.NewMetricsServer(sys, sim.MetricsResolution),
		Noticed: func(int64) {},
	}, nil
}

// idle says whether a policy has nothing to act on in the case: once started it has
// scheduled nothing, so nothing of it can happen, and its run is that of none, event
// for event.
func (c *Case) idle(cal *Calibration, p Policy) (bool, error) {
	e, err := c.env(cal, calibrationSeed, nil)
	if err != nil {
		return false, err
	}
	before := e.System.Clock().Pending()
	finish, err := p.Start(e)
	if err != nil {
		return false, fmt.Errorf("%s, policy %s: %w", c.Name, p.Name, err)
	}
	return finish == nil && e.System.Clock().Pending() == before, nil
}

// runTo simulates in slices, so that a run can be given up.
func runTo(ctx context.Context, s *sim.System, end int64) error {
	const slice = 30e9
	for s.Now() < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.Run(min(end, s.Now()+slice)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Case) stateful() (names []string) {
	for _, t := range c.Targets {
		if t.Stateful {
			names = append(names, t.Service)
		}
	}
	return names
}

// after is a function as an event of the clock.
type after func()

// Handle implements [sim.Handler].
func (f after) Handle(uint64) { f() }

// every calls f at from and then every period ns.
func every(c *sim.Clock, from, period int64, f func()) {
	var again after
	again = func() {
		f()
		c.After(period, again, 0)
	}
	c.At(from, again, 0)
}
