package experiment

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/kube"
	"github.com/scale-eval/scale-eval/sim"
)

// scaleTick is how often the control loop decides, ns: as often as spans come.
const scaleTick = 5e9

// scaleKnobs: the defaults are those of rules.go and keptOrdinary; they have no other
// documentation. Thresholds and shares of a rule are the case's objectives and no knobs.
var scaleKnobs = []Knob{
	{"kept_percent", "0.1..10.0:log", "1", "of ordinary spans that the sampler may keep; production's default is 0.1"},
	{"window_s", "10,15,20,30,45,60,90", "30", "of the rules"},
	{"min_spans", "10,20,30,50,100", "20", "that must have ended in the window"},
	{"max_factor", "1.25..4.0", "2", "the most by which one action multiplies replicas"},
	{"enlarge_percent", "25..200:25", "100", "by which one action enlarges CPU or memory"},
	{"settle_s", "0,10,20,30,45,60,90,120", "30", "after a change took effect before the next"},
	{"calm_below", "0,0.3,0.5,0.7,0.9", "0", "of the threshold: no span longer than that for calm_s takes replicas away; 0: as the rules of the case say"},
	{"calm_s", "60,120,180,300,600", "300", "of calm, and least time to the next step down; as the HPA's downscale window"},
	{"calm_percent", "10,20,30,50", "10", "of the replicas that a step takes away"},
}

// scale is the thing itself: the production sampler keeps spans of the simulation, the
// production pipeline decides on those that it kept, and the production orchestrator
// writes to the cluster's API. Sampler and rules are the same in all cases; only
// thresholds differ, which are the objectives, and bounds.
func scale() Policy {
	return tunable(scaleKnobs, func(s settings) Policy {
		return Policy{Name: "scale", Doc: "SCALE: rules on sampled spans, blame, then the Kubernetes API", Start: s.starting(live.Sampled)}
	})
}

// scaleAll is SCALE without the sampler's part in it: what sampling costs is the
// difference from scale.
func scaleAll() Policy {
	return tunable(scaleKnobs, func(s settings) Policy {
		return Policy{Name: "scale-all", Doc: "SCALE with rules that see every span, sampled or not; played when named", Start: s.starting(live.All)}
	})
}

func (s settings) starting(spans live.Selection) func(*Env) (func() error, error) {
	return func(e *Env) (func() error, error) {
		running, err := startScale(e, spans, s)
		if err != nil {
			return nil, err
		}
		return running.finish, nil
	}
}

// scaler is SCALE at work in one run.
type scaler struct {
	env      *Env
	pipeline *live.Pipeline
	spans    []trace.Span // ended and not exported yet, oldest first
	read     int
	span     live.Span
	err      error
}

// keptOrdinary is the share of ordinary spans that the sampler may keep, untuned.
// Objectives here tolerate that one request in twenty is late; a sampler that keeps one
// ordinary span in a thousand, the default, sees such a breach only when it is gross (on
// ramp, 1 355 violated seconds instead of 329 and, with every span, 226).
const keptOrdinary = 0.01

// SamplerConfig is that of every untuned run: the defaults of production, but for two. It
// keeps keptOrdinary, and a caller is judged by its own duration, because the rules are
// about callers: whoever is late for its objective is to be kept, although its callee
// explains it. Blame finds the callee.
func SamplerConfig(seed uint64) (hst.AdaptiveConfig, error) { return samplerConfig(seed, keptOrdinary) }

func samplerConfig(seed uint64, kept float64) (hst.AdaptiveConfig, error) {
	s, err := hst.ParseSeed(strconv.FormatUint(seed, 10))
	cfg := hst.DefaultAdaptiveConfig(s)
	cfg.InFlight, cfg.Target = 0, kept
	return cfg, err
}

// trained is a sampler that learns what is normal and then knows it: it is trained on
// the warm-up of the case, as in production on a stretch of history, and a load that
// rises cannot teach it that slow is normal. While it is not trained it keeps all.
type trained struct {
	trace.Sampler
	until int64 // spans that end later are not learned, if it is ready then
	done  bool
}

// Sample implements [trace.Sampler].
func (t *trained) Sample(s *trace.Span) trace.Decision {
	d := t.Sampler.Sample(s)
	t.done = !d.WarmUp && s.End() >= t.until
	d.Keep = d.Keep || d.WarmUp
	return d
}

// Learn implements [trace.Sampler].
func (t *trained) Learn(s *trace.Span) {
	if !t.done {
		t.Sampler.Learn(s)
	}
}

func startScale(e *Env, spans live.Selection, set settings) (*scaler, error) {
	orchestrator, err := kube.New(kube.Options{Client: e.Cluster.Client(), Resize: kube.ResizeTemplate, NoEvents: true})
	if err != nil {
		return nil, err
	}
	rules, err := e.Case.Rules(spans)
	if err != nil {
		return nil, err
	}
	set.tune(&rules)
	if e.Setup.Rules != nil {
		rules = *e.Setup.Rules
	}
	if e.Setup.Played != nil {
		e.Setup.Played(rules)
	}
	s := &scaler{env: e}
	sampler := &trained{until: sim.Epoch + e.Case.WarmUp}
	s.pipeline, err = live.New(live.Options{Rules: rules, Sampler: sampler, Learn: true, Orchestrator: orchestrator, Audit: e.Audit})
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if err := e.Setup.model(e, set["kept_percent"]/100, sampler, s.pipeline.Calls()); err != nil {
		return nil, err
	}
	e.System.OnSpan(sim.Epoch, e.observed(s.collect))
	every(e.System.Clock(), scaleTick, scaleTick, s.tick)
	return s, nil
}

// tune sets what the knobs say in every rule of a case.
func (s settings) tune(set *live.RuleSet) {
	for i := range set.Rules {
		r := &set.Rules[i]
		r.When.Window, r.When.MinSpans = time.Duration(s.nanoseconds("window_s")), int64(s["min_spans"])
		r.Settle = time.Duration(s.nanoseconds("settle_s"))
		r.Then.Horizontal.MaxFactor = s["max_factor"]
		for k := range r.Then.Vertical {
			r.Then.Vertical[k].Amount.Value = s["enlarge_percent"]
		}
		if s["calm_below"] > 0 {
			r.Calm = s.calm()
		}
	}
	for i := range set.Targets {
		if s["calm_below"] > 0 {
			set.Targets[i].Guard.CooldownDown = time.Duration(s.nanoseconds("calm_s"))
		}
	}
}

func (s settings) calm() *live.Calm {
	return &live.Calm{
		Below: s["calm_below"], For: time.Duration(s.nanoseconds("calm_s")), MinSpans: int64(s["min_spans"]),
		Then: live.Response{Kind: live.Horizontal, Horizontal: &live.HorizontalResponse{Amount: live.Amount{Mode: live.Percent, Value: s["calm_percent"]}}},
	}
}

// collect keeps a span until SDK and collector have passed it on.
func (s *scaler) collect(sp *trace.Span) {
	if s.read > len(s.spans)/2 { // the front half is gone: make room
		n := copy(s.spans, s.spans[s.read:])
		s.spans, s.read = s.spans[:n], 0
	}
	s.spans = append(s.spans, *sp)
}

// tick exports the spans that are due, in the order in which they ended, and lets
// the pipeline decide. Nothing looks at spans between ticks, so they need no events
// of their own.
func (s *scaler) tick() {
	now := sim.Epoch + s.env.System.Now()
	for ; s.read < len(s.spans) && s.spans[s.read].End() <= now-sim.DefaultExportDelay; s.read++ {
		s.span.Span, s.span.SpanKind = s.spans[s.read], live.KindServer
		// A span that the pipeline refuses is counted there; it is no error of the run.
		_, _ = s.pipeline.Span(&s.span)
	}
	s.usage(now)
	decisions, err := s.pipeline.Tick(context.Background(), now)
	if err != nil && s.err == nil {
		s.err = err
	}
	for i := range decisions {
		d := &decisions[i]
		if d.Direction == live.Up || d.Outcome == live.Held && d.Why.Count > 0 {
			s.env.Noticed(s.env.System.Now())
		}
		if d.Outcome == live.Failed && s.err == nil {
			s.err = fmt.Errorf("%s: %s", d.Target, d.Err)
		}
	}
}

// usage tells the pipeline what the metrics server knows of the targets.
func (s *scaler) usage(now int64) {
	for _, t := range s.env.Case.Targets {
		if u, ok := usageOf(s.env.Metrics.Workload(t.Service), s.env.System.Resources(t.Service)); ok {
			u.At += sim.Epoch
			s.pipeline.SetUsage(t.Service, u)
		}
	}
}

func (s *scaler) finish() error { return s.err }
