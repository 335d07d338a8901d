package live

import "math"

// maxBurnRatio bounds the memory of a burn: 30 buckets a short window.
const maxBurnRatio = 200

type badFunc func(field, format string, args ...any)

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

func (c *Condition) validate(bad badFunc) {
	c.validateThreshold(bad)
	ways := 0
	for _, on := range []bool{c.Times != 0, c.Share != 0, c.SLO != nil, c.Always} {
		if on {
			ways++
		}
	}
	if ways != 1 {
		bad("when", "want exactly one of times, share, slo and always, found %d", ways)
	}
	if c.SLO != nil {
		c.SLO.validate(bad)
	} else if c.Window <= 0 {
		bad("when.within", "want a duration above 0, found %v", c.Window)
	}
	if c.Times < 0 || c.Times > MaxWindow {
		bad("when.times", "want 1 to %d, found %d: a window keeps no more spans", MaxWindow, c.Times)
	}
	if !(c.Share >= 0 && c.Share < 1) {
		bad("when.share", "want a part of 1, e.g. 0.05 or 5%%, found %g", c.Share)
	}
	if c.MinSpans < 0 {
		bad("when.min_spans", "want 0 or more, found %d", c.MinSpans)
	}
}

func (c *Condition) validateThreshold(bad badFunc) {
	switch {
	case c.Latency < 0:
		bad("when.latency", "want a duration above 0, found %v", c.Latency)
	case c.Latency > 0 && c.Multiple != 0:
		bad("when", "want one of latency and baseline, found both")
	case c.Latency == 0 && c.Multiple == 0 && !c.Errors && !c.Always:
		bad("when", "want a threshold: latency, baseline or errors")
	}
	if c.Multiple == 0 {
		return
	}
	if !positive(c.Multiple) {
		bad("when.baseline.multiple", "want a number above 0, found %g", c.Multiple)
	}
	if !(c.Quantile > 0 && c.Quantile < 1) {
		bad("when.baseline.quantile", "want above 0 and below 1, found %g", c.Quantile)
	}
	if c.MinBaseline < 1 {
		bad("when.baseline.min_spans", "want 1 or more, found %d", c.MinBaseline)
	}
}

func (s *SLO) validate(bad badFunc) {
	if !(s.Objective > 0 && s.Objective < 1) {
		bad("when.slo.objective", "want above 0 and below 1 (or 100%%), e.g. 99.9%%, found %g", s.Objective)
	}
	if len(s.Burns) == 0 {
		bad("when.slo.burn", "want at least one burn rate")
	}
	for _, b := range s.Burns {
		if b.Short <= 0 || b.Long < b.Short {
			bad("when.slo.burn", "want 0 < short <= long, found short %v, long %v", b.Short, b.Long)
		}
		if b.Short > 0 && b.Long/b.Short > maxBurnRatio {
			bad("when.slo.burn", "want long at most %d times short, found %v and %v", maxBurnRatio, b.Long, b.Short)
		}
		if !positive(b.Rate) {
			bad("when.slo.burn.rate", "want a number above 0, found %g", b.Rate)
		}
	}
}

func (r *Response) validate(path string, bad badFunc) {
	if r.Kind != Vertical && r.Horizontal == nil {
		bad(path+".horizontal", "want an amount: the kind is %v", r.Kind)
	}
	if r.Kind != Horizontal && len(r.Vertical) == 0 {
		bad(path+".vertical", "want cpu or memory: the kind is %v", r.Kind)
	}
	if h := r.Horizontal; h != nil {
		h.validate(path+".horizontal", bad)
	}
	for _, v := range r.Vertical {
		if !positive(v.Amount.Value) {
			bad(path+".vertical."+v.Resource.String(), "want a number above 0, found %g", v.Amount.Value)
		}
		if !v.Requests && !v.Limits {
			bad(path+".vertical."+v.Resource.String(), "want requests, limits or both")
		}
	}
}

func (h *HorizontalResponse) validate(path string, bad badFunc) {
	ways := 0
	for _, v := range []float64{h.Amount.Value, h.MaxFactor, h.Concurrency} {
		if v != 0 {
			ways++
			if !positive(v) {
				bad(path, "want numbers above 0, found %g", v)
			}
		}
	}
	if ways != 1 {
		bad(path, "want exactly one of step, percent, proportional and concurrency, found %d", ways)
	}
	if h.MaxFactor != 0 && !(h.MaxFactor > 1) {
		bad(path+".proportional", "want a greatest factor above 1, found %g", h.MaxFactor)
	}
}

func (c *Calm) validate(w Condition, bad badFunc) {
	if !(c.Below > 0 && c.Below <= 1) {
		bad("calm.below", "want above 0 and at most 1 (or 100%%), found %g", c.Below)
	}
	if c.For <= 0 {
		bad("calm.for", "want a duration above 0, found %v", c.For)
	}
	if c.MinSpans < 1 {
		bad("calm.min_spans", "want 1 or more, found %d: silence is not calm", c.MinSpans)
	}
	if w.Always {
		bad("calm", "a rule that always fires has no calm; its concurrency target scales down, too")
	}
	c.Then.validate("calm.then", bad)
	if h := c.Then.Horizontal; h != nil && h.MaxFactor != 0 {
		bad("calm.then.horizontal.proportional", "there is no breach to be proportional to: want step, percent or concurrency")
	}
}
