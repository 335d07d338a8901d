package hst

import (
	"strings"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Adaptive is the sampler to deploy: Half-Space Trees over how surprising a span is
// to its own call, instead of over its duration. A span goes through it like this:
//
//  1. its slow children explain part of its duration; what is left is judged
//     (adaptive_flight.go);
//  2. the residual r = ln(duration) - location, and u = r / scale, are taken from the
//     model of its call (adaptive_call.go). A call that is new inherits location,
//     scale and their uncertainty from its service's calls, and those from all calls
//     (adaptive_group.go): it is judged from its first span on, mildly;
//  3. its surprise is three pieces of evidence, in nats: how rare it is in the call's
//     own tail, which with few spans is its service's and everyone's (adaptive_tail.go);
//     how far it is outside the body, which does not ask the tail and so cannot be
//     talked round by anomalies in it; and by what factor it is slower. But on a
//     plateau, a duration that the call keeps coming back to, such as a timeout, it is
//     no more than the rarity of that (adaptive_mass.go);
//  4. Half-Space Trees see the surprise of all calls as one number and turn it to a
//     score, so that one min_score means the same for every call (adaptive_score.go);
//  5. the threshold is set without labels, by false-positive rate or budget
//     (adaptive_threshold.go);
//  6. Learn updates all of that, but not with what it flags, until that has lasted
//     long enough to be the new normal (adaptive_shift.go).
//
// Its limits: a call whose spans are slow at a steady rate teaches that this is
// ordinary, be it so or not; its weights suit excesses, not patterns of calls; and a
// span between a call's body and one of its plateaus is more surprising than a
// longer one on the plateau. Elsewhere surprise rises with the duration.
//
// What is flagged is known only of spans that were sampled: a span that comes to
// Learn without a Sample just before is training data. It is learned, but when it is
// above the threshold by its call's tail alone, not by location and scale. So it is in
// an evaluation's training part, and whenever spans are learned before they are scored.
//
// The first Window spans are warm-up. Cost: 54 ns for Sample, 86 ns for Learn, 103 ns
// for Sample and Learn of one span (CPU time of BenchmarkAdaptive, one core of a
// shared AMD EPYC), without allocation except for a call's first span. Memory: 0.9 kB
// a call (every Call up to the largest), 0.3 kB a service, and whatever the calls 33
// bytes an InFlight and some 0.1 MB for the trees: 0.64 MB by default.
type Adaptive struct {
	cfg      AdaptiveConfig
	calls    []callModel
	services map[string]int32 // name -> index of groups
	groups   []group
	all      group
	score    surpriseScale
	point    operatingPoint
	flight   flight
	learned  int64
	memo     memo
	ahead    [sampleAhead]alone
	stranger callModel // scratch: what is known of a call that was never learned
}

var _ trace.Sampler = (*Adaptive)(nil)

// NewAdaptive grows the trees. It errs when cfg is invalid.
func NewAdaptive(cfg AdaptiveConfig) (*Adaptive, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	score, err := newSurpriseScale(cfg)
	if err != nil {
		return nil, err
	}
	return &Adaptive{cfg: cfg, services: map[string]int32{}, score: score,
		point: newOperatingPoint(&cfg), flight: newFlight(cfg.InFlight)}, nil
}

// Sample scores s and decides. It does not train; it remembers slow spans for
// their parents. In the first Window spans it says WarmUp and keeps nothing.
func (a *Adaptive) Sample(s *trace.Span) trace.Decision {
	nats := a.memo.verdict.surprise
	if !a.memo.is(s) {
		nats = a.assess(s)
	}
	if !a.Ready() {
		return trace.Decision{WarmUp: true}
	}
	return a.decide(nats)
}

// decide is what becomes of a surprise once the warm-up is over.
func (a *Adaptive) decide(nats float64) trace.Decision {
	d := trace.Decision{Score: a.score.of(nats), Keep: nats >= a.point.keep}
	if a.cfg.Mode == ThresholdScore {
		d.Keep = d.Score >= a.cfg.Target
	}
	return d
}

// Learn trains the model on s.
func (a *Adaptive) Learn(s *trace.Span) {
	sampled := a.memo.is(s)
	if !sampled {
		a.assess(s)
	}
	v := &a.memo.verdict
	a.memo.valid = false
	c := a.learnedModel(s.Call)
	if c == nil {
		c = a.newModel(s)
	}
	a.learned++
	young := c.learned < youngCall
	suspect := !young && v.raw >= a.point.suspect
	end := s.End()
	c.recur.pass(c.shift.observe(end, v.x, suspect, int64(a.cfg.RelearnAfter)))
	learn := young || !sampled || c.shift.learnable(suspect)
	a.weigh(c, v.x, learn, sampled && !young && v.raw >= a.point.keep)
	if c.shift.age >= int64(a.cfg.RelearnAfter) {
		c.relearn()
	}
	if learn {
		a.absorb(c, v, young)
	}
	// A crowd on a known plateau is ordinary, but says nothing of how the tail falls.
	a.point.add(v.surprise, end, !v.known && (learn || c.shift.calm()), &a.cfg)
}

// weigh updates the call's masses.
func (a *Adaptive) weigh(c *callModel, x float64, learn, flagged bool) {
	cell, _ := massCell(x)
	if flagged {
		if n := c.recur.vote(cell, int64(a.cfg.RelearnAfter)); n > 0 {
			c.mass.add(int(c.recur.cell), n)
		}
	} else if learn {
		c.mass.add(cell, 1)
	}
}

// absorb updates all else that depends on durations.
func (a *Adaptive) absorb(c *callModel, v *verdict, young bool) {
	if young || v.body < a.point.keep {
		c.learn(v.x)
	}
	c.learned++
	group := a.group(c)
	cells := tailReach(v.u)
	if c.tail.add(cells, callMemory, tailPrior) {
		c.mass.fade()
	}
	if c.learned < groupAlways || c.learned%groupEvery == 0 {
		a.all.tail.add(cells, groupMemory, allPrior)
		if group != nil {
			group.tail.add(cells, groupMemory, tailPrior)
		}
	}
	a.score.learn(v.surprise, a.learned)
	if dueForGroups(c.learned) {
		a.all.update(c)
		if group != nil {
			group.update(c)
		}
		c.share = shareOf(c)
	}
}

// learnedModel is the model of a call that has learned a span, else nil.
func (a *Adaptive) learnedModel(call trace.Call) *callModel {
	if int(call) < len(a.calls) {
		if c := &a.calls[call]; c.learned > 0 {
			return c
		}
	}
	return nil
}

// modelOf is what is known of s's call. It is valid until the next call of a method.
func (a *Adaptive) modelOf(s *trace.Span) *callModel {
	if c := a.learnedModel(s.Call); c != nil {
		return c
	}
	return a.unknown(s)
}

// newModel makes the model of s's call, which has learned nothing yet.
func (a *Adaptive) newModel(s *trace.Span) *callModel {
	for int(s.Call) >= len(a.calls) {
		a.calls = append(a.calls, callModel{})
	}
	c := &a.calls[s.Call]
	c.group = a.serviceOf(s)
	c.inherit(a.group(c), &a.all)
	return c
}

// group is the group of c's service, nil if there is none.
func (a *Adaptive) group(c *callModel) *group {
	if c.group < 0 {
		return nil
	}
	return &a.groups[c.group]
}

// serviceOf is the number of s's service, made if it is new; -1 for a span without
// one.
func (a *Adaptive) serviceOf(s *trace.Span) int32 {
	if s.Service == "" || s.Call == trace.OverflowCall {
		return -1
	}
	n, ok := a.services[s.Service]
	if !ok {
		n = a.addService(strings.Clone(s.Service))
	}
	return n
}

func (a *Adaptive) addService(name string) int32 {
	n := int32(len(a.groups))
	a.services[name] = n
	a.groups = append(a.groups, group{})
	return n
}

// unknown is what is known of s's call if it was never learned: what it inherits. The
// result is valid until the next call of a method.
func (a *Adaptive) unknown(s *trace.Span) *callModel {
	c := &a.stranger
	*c = callModel{group: -1}
	if n, ok := a.services[s.Service]; ok && s.Call != trace.OverflowCall {
		c.group = n
	}
	c.inherit(a.group(c), &a.all)
	return c
}

// Ready says whether the warm-up is over.
func (a *Adaptive) Ready() bool { return a.score.line.Ready() }

// Learned is how many spans came to Learn.
func (a *Adaptive) Learned() int64 { return a.learned }

// Config is what the sampler was made from.
func (a *Adaptive) Config() AdaptiveConfig { return a.cfg }

// Threshold is the least score that is kept now; 0 while warming up.
func (a *Adaptive) Threshold() float64 {
	switch {
	case !a.Ready():
		return 0
	case a.cfg.Mode == ThresholdScore:
		return a.cfg.Target
	}
	return a.score.of(a.point.keep)
}

// surprise of x to a call that has no plateaus, in nats, and how many scales it lies
// above the location. Strictly increasing in x.
func (a *Adaptive) surprise(c *callModel, x float64) (nats, u float64) {
	r := x - c.location
	u = float64(r * c.inverse)
	// Faster than usual is no anomaly; the order of such spans is kept all the same.
	// Half of all spans are, in no order: a jump here would be guessed wrong too often.
	faster := 1 / (1 - min(r, 0))
	slower := max(u, 0)
	// Of a location that is only guessed, the excess is guessed too.
	effect := float64(slower * c.scale)
	b := bodyEvidence(min(slower, bodyLimit))
	outside := 1 / float64(b*b)
	return float64((float64(effectWeight*effect) - ln(a.survival(c, slower)*outside)) * faster), u
}

// survival is how likely a span of c lies at least u >= 0 standard deviations above
// the location. Strictly decreasing.
func (a *Adaptive) survival(c *callModel, u float64) float64 {
	p := placeOf(u, c.sd)
	all, service := &a.all.tail, &c.tail
	if c.group >= 0 {
		service = &a.groups[c.group].tail
	}
	if p.cell >= int(min(all.top, service.top, c.tail.top)) {
		return a.survivalFar(c, p)
	}
	share := all.mix(all.within(p), p.assumedWithin())
	if c.group >= 0 {
		share = service.mix(service.within(p), share)
	}
	return c.tail.mix(c.tail.within(p), share)
}

// survivalFar is survival where some of the tails have not been seen to reach.
func (a *Adaptive) survivalFar(c *callModel, p place) float64 {
	share := a.all.tail.share(p, p.assumed())
	if c.group >= 0 {
		share = a.groups[c.group].tail.share(p, share)
	}
	return c.tail.share(p, share)
}

// effectWeight is the evidence in being e times slower, in nats. On generated
// workloads anything from 1 to 2 is as good where calls have light tails, and more
// is better where they have heavy ones.
const effectWeight = 1.5

// bodyLimit is where the body of a call's durations ends for certain, in scales:
// one normal span in 32 000 is beyond it. How far beyond is for the tail to say.
const bodyLimit = 4

// bodyEvidence is, squared, how much more likely u scales are outside the body than
// in it, taking Student's t with 3 degrees of freedom for the body, because
// durations are rarely as light-tailed as a log-normal.
func bodyEvidence(u float64) float64 { return 1 + float64(u*u)/3 }
