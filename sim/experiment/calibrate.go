package experiment

import (
	"context"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/cluster"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// stepSeconds is the length of the steps of demand and supply.
const stepSeconds = 60

// calibrationSeed is that of load tests: none of the seeds that runs are scored on.
const calibrationSeed = 1 << 40

// calibrationSeeds is how many the oracle's demand must be enough with.
const calibrationSeeds = 3

// What a load test finds is plain data.
type (
	Calibration = measure.Calibration
	Capacity    = measure.Capacity
	Demand      = measure.Demand
)

func steps(c *Case) int { return int((c.Length + stepSeconds*1e9 - 1) / (stepSeconds * 1e9)) }

// Calibrate load-tests a case and finds the demand: the offered load of each remedy's
// service is measured with as many pods as allowed, and the least number of pods at
// its peak is found by bisection, the other steps in proportion. Cost: some ten runs.
func (c *Case) Calibrate(ctx context.Context) (*Calibration, error) {
	cal := &Calibration{Case: c.Name, Services: map[string]Capacity{}}
	tapes := sim.NewTapes() // of calibrationSeed, with which most runs are
	if err := c.loadTest(ctx, cal, tapes); err != nil {
		return nil, fmt.Errorf("%s: load test: %w", c.Name, err)
	}
	if err := c.findDemand(ctx, cal, tapes); err != nil {
		return nil, fmt.Errorf("%s: oracle: %w", c.Name, err)
	}
	return cal, nil
}

// loadTest measures the warm-up. What a service has then is its demand until more is
// known.
func (c *Case) loadTest(ctx context.Context, cal *Calibration, tapes *sim.Tapes) error {
	sys, topology, err := c.New(calibrationSeed, tapes)
	if err != nil {
		return err
	}
	if err := runTo(ctx, sys, c.WarmUp); err != nil {
		return err
	}
	for i := range topology.Services {
		spec := &topology.Services[i]
		st, u := sys.Stats(spec.Name), sys.Usage(spec.Name)
		n, _ := sys.Replicas(spec.Name)
		offered := offeredLoad(spec, &st, u.Worked, sys.Resources(spec.Name).CPULimit)
		cal.Services[spec.Name] = Capacity{
			PerSecond: float64(st.Arrivals) / (offered * st.Seconds()), Rate: float64(st.Arrivals) / st.Seconds(), Replicas: n,
		}
	}
	for _, t := range c.Targets {
		d := Demand{Service: t.Service, Pods: make([]float64, steps(c)), Remedy: c.helps(t.Service, Horizontal)}
		for i := range d.Pods {
			d.Pods[i] = float64(cal.Services[t.Service].Replicas)
		}
		cal.Demands = append(cal.Demands, d)
	}
	return nil
}

// offeredLoad is how many replicas a service would keep busy all the time: by its
// threads or by its CPU, whichever is more.
func offeredLoad(spec *sim.Service, st *sim.Stats, worked, cores float64) float64 {
	load := 1e-9
	if spec.Pod.Threads > 0 {
		load = (st.MeanPresent() - st.MeanWaiting()) / float64(spec.Pod.Threads)
	}
	if cores == 0 && spec.Pod.Law != nil {
		cores = 1
	}
	if law := spec.Pod.Law; law != nil {
		cores *= law.Peak()
	}
	if cores > 0 {
		load = max(load, worked/st.Seconds()/cores)
	}
	return load
}

// findDemand fills in the demand of each remedy.
func (c *Case) findDemand(ctx context.Context, cal *Calibration, tapes *sim.Tapes) error {
	loads, err := c.offered(ctx, cal, tapes)
	if err != nil {
		return err
	}
	for i := range cal.Demands {
		if !cal.Demands[i].Remedy {
			continue
		}
		t := c.Targets[i]
		fill(&cal.Demands[i], loads[i], t.Max, t.Min)
	}
	var allowed [calibrationSeeds]int64
	for k := range allowed {
		n, err := c.violatedBy(ctx, cal, k, math.MaxInt64-1, tapes)
		if err != nil {
			return err
		}
		allowed[k] = n + c.Length/1e9/100 // one percent of the time is no miss
	}
	for i := range cal.Demands {
		if cal.Demands[i].Remedy {
			if err := c.bisect(ctx, cal, i, loads[i], &allowed, tapes); err != nil {
				return err
			}
		}
	}
	return nil
}

// bisect finds the least peak of one demand, the others as they are: by halves with the
// first seed, and from there upwards until it is enough with every seed. Where load
// feeds on itself, as retries do, what is just enough once is not enough the next time.
func (c *Case) bisect(ctx context.Context, cal *Calibration, i int, load []float64, allowed *[calibrationSeeds]int64, tapes *sim.Tapes) error {
	t := c.Targets[i]
	enough := func(peak, k int) (bool, error) {
		fill(&cal.Demands[i], load, peak, t.Min)
		n, err := c.violatedBy(ctx, cal, k, allowed[k], tapes)
		return n <= allowed[k], err
	}
	low, high := max(t.Min, 1)-1, t.Max // low is too few, high is enough
	for high-low > 1 {
		mid := (low + high) / 2
		switch ok, err := enough(mid, 0); {
		case err != nil:
			return err
		case ok:
			high = mid
		default:
			low = mid
		}
	}
	for k := 1; k < calibrationSeeds && high < t.Max; {
		switch ok, err := enough(high, k); {
		case err != nil:
			return err
		case ok:
			k++
		default:
			high = min(t.Max, high+max(1, high/20))
		}
	}
	fill(&cal.Demands[i], load, high, t.Min)
	return nil
}

// fill is the demand with so many pods at the peak of the load.
func fill(d *Demand, load []float64, peak, least int) {
	most := 0.0
	for _, x := range load {
		most = max(most, x)
	}
	for k, x := range load {
		d.Pods[k] = max(float64(least), math.Ceil(float64(x/most*float64(peak))-1e-9))
	}
}

// violatedBy is how many seconds the oracle with this demand violates. It gives up, and
// says most + 1, as soon as they are more than most.
func (c *Case) violatedBy(ctx context.Context, cal *Calibration, k int, most int64, tapes *sim.Tapes) (int64, error) {
	if k > 0 {
		tapes = nil
	}
	run, giveUp := context.WithCancel(ctx)
	defer giveUp()
	n := int64(0)
	m, _, err := Run(run, c, cal, oracle(), calibrationSeed+uint64(k), Options{tapes: tapes, second: func(violated bool) {
		if violated {
			if n++; n > most {
				giveUp()
			}
		}
	}})
	switch {
	case n > most && ctx.Err() == nil:
		return most + 1, nil
	case err != nil:
		return 0, err
	}
	return int64(m.ViolatedSeconds), nil
}

// offered is the load of each target, a step each, when no pods are wanting.
func (c *Case) offered(ctx context.Context, cal *Calibration, tapes *sim.Tapes) ([][]float64, error) {
	sys, topology, err := c.New(calibrationSeed, tapes)
	if err != nil {
		return nil, err
	}
	for _, t := range c.Targets {
		if c.helps(t.Service, Horizontal) {
			sys.SetReplicas(t.Service, t.Max)
		}
	}
	e := &Env{Case: c, Calibration: cal, System: sys, Cluster: cluster.New(sys, topology, c.stateful()...), Topology: topology}
	enlarge(e, c.WarmUp)
	loads := make([][]float64, len(c.Targets))
	worked := make([]float64, len(c.Targets))
	if err := runTo(ctx, sys, c.WarmUp); err != nil {
		return nil, err
	}
	for k := 0; k < steps(c); k++ {
		for i, t := range c.Targets {
			worked[i] = sys.Usage(t.Service).Worked
		}
		sys.ResetStats()
		if err := runTo(ctx, sys, min(c.end(), c.WarmUp+int64(k+1)*stepSeconds*1e9)); err != nil {
			return nil, err
		}
		for i, t := range c.Targets {
			st := sys.Stats(t.Service)
			loads[i] = append(loads[i], offeredLoad(serviceOf(topology, t.Service), &st, sys.Usage(t.Service).Worked-worked[i], sys.Resources(t.Service).CPULimit))
		}
	}
	return loads, nil
}

func serviceOf(t *sim.Topology, name string) *sim.Service {
	for i := range t.Services {
		if t.Services[i].Name == name {
			return &t.Services[i]
		}
	}
	return nil
}
