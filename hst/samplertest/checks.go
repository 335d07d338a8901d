package samplertest

import (
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// probe is how many spans are sampled to compare two samplers.
const probe = 2000

// decide is test-then-train over spans, which uses both methods in turn.
func decide(sampler trace.Sampler, spans []trace.Span) []trace.Decision {
	out := make([]trace.Decision, len(spans))
	for i := range spans {
		out[i] = sampler.Sample(&spans[i])
		sampler.Learn(&spans[i])
	}
	return out
}

// differ is the first place at which two lists of decisions are not the same bits.
func differ(a, b []trace.Decision) error {
	for i := range a {
		// Of a warming-up sampler the score means nothing.
		same := a[i].WarmUp == b[i].WarmUp && a[i].Keep == b[i].Keep &&
			(a[i].WarmUp || math.Float64bits(a[i].Score) == math.Float64bits(b[i].Score))
		if !same {
			return fmt.Errorf("decision %d: %+v and %+v", i, a[i], b[i])
		}
	}
	return nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func sameSeed(f Factory, o Options) error {
	spans := Workload(o.Train+probe, 1)
	return wrap("two samplers of the factory disagree", differ(decide(f(), spans), decide(f(), spans)))
}

func notModified(f Factory, o Options) error {
	sampler, spans := f(), Workload(o.Train+probe, 2)
	for i := range spans {
		before := spans[i]
		if sampler.Sample(&spans[i]); spans[i] != before {
			return fmt.Errorf("method Sample changed %+v to %+v", before, spans[i])
		}
		if sampler.Learn(&spans[i]); spans[i] != before {
			return fmt.Errorf("method Learn changed %+v to %+v", before, spans[i])
		}
	}
	return nil
}

func notKept(f Factory, o Options) error {
	spans := Workload(o.Train+probe, 3)
	want := decide(f(), spans)
	sampler, got, l := f(), make([]trace.Decision, len(spans)), lent{}
	for i, s := range spans {
		l.out(s, func(s *trace.Span) { got[i] = sampler.Sample(s) })
		l.out(s, sampler.Learn)
	}
	return wrap("overwriting a span after the call changes later decisions", differ(want, got))
}

func labelNotRead(f Factory, o Options) error {
	spans := Workload(o.Train+probe, 4)
	want := decide(f(), spans)
	for i := range spans {
		spans[i].Label = (spans[i].Label + 1 + trace.Label(i%5)) % (trace.Guard + 1)
		spans[i].Kind = fmt.Sprint("kind ", i%7)
	}
	return wrap("other labels and kinds give other decisions", differ(want, decide(f(), spans)))
}

func sampleDoesNotTrain(f Factory, o Options) error {
	spans := Workload(o.Train+2*probe, 5)
	train, extra, check := spans[:o.Train], spans[o.Train:o.Train+probe], spans[o.Train+probe:]
	a, b := f(), f()
	learn(a, train)
	learn(b, train)
	for i := range extra {
		b.Sample(&extra[i])
	}
	return wrap("sampling other spans in between changes decisions", differ(decide(a, check), decide(b, check)))
}

func leavesWarmUp(f Factory, o Options) error {
	spans := Workload(o.Train+probe, 6)
	sampler := f()
	learn(sampler, spans[:o.Train])
	for i := range spans[o.Train:] {
		d := sampler.Sample(&spans[o.Train+i])
		if d.WarmUp {
			return fmt.Errorf("still warming up after %d spans: set Options.Train if it needs more", o.Train)
		}
	}
	return nil
}

// valid says whether a decision means something or admits that it does not.
func valid(d trace.Decision, s *trace.Span) error {
	if d.Score != d.Score && !d.WarmUp {
		return fmt.Errorf("NaN score without WarmUp for %+v", *s)
	}
	return nil
}

func firstSpan(f Factory, _ Options) error {
	for _, ns := range Extremes {
		s := trace.Span{Call: 5, Duration: ns}
		if err := valid(f().Sample(&s), &s); err != nil {
			return wrap("untrained", err)
		}
		sampler := f()
		sampler.Learn(&s)
		if err := valid(sampler.Sample(&s), &s); err != nil {
			return wrap("after one span", err)
		}
	}
	return nil
}

func newCalls(f Factory, o Options) error {
	sampler := f()
	learn(sampler, Workload(o.Train, 7))
	l := lent{}
	for call := range trace.Call(MaxCalls) {
		s := trace.Span{Service: "new", Operation: fmt.Sprint("op", call), Call: call, Duration: 5_000_000}
		var err error
		l.out(s, func(s *trace.Span) { err = valid(sampler.Sample(s), s) })
		if err != nil {
			return err
		}
		if call%2 == 0 {
			l.out(s, sampler.Learn)
			l.out(s, func(s *trace.Span) { err = valid(sampler.Sample(s), s) })
		}
		if err != nil {
			return wrap("after one span of the call", err)
		}
	}
	return nil
}

// extremeSpans have every extreme duration with every extreme start, so that
// their end overflows too.
func extremeSpans(call trace.Call) []trace.Span {
	var out []trace.Span
	for _, ns := range Extremes {
		for _, start := range Extremes {
			out = append(out, trace.Span{Call: call, Duration: ns, Start: start})
		}
	}
	return append(out, trace.Span{Call: call, TraceID: trace.TraceID{Hi: math.MaxUint64, Lo: math.MaxUint64},
		ID: math.MaxUint64, ParentID: math.MaxUint64, Service: "\xff", Operation: "\x00"})
}

func anyDuration(f Factory, o Options) error {
	sampler := f()
	learn(sampler, Workload(o.Train, 8))
	for _, call := range []trace.Call{trace.OverflowCall, 1, MaxCalls} {
		spans := extremeSpans(call)
		for i := range spans {
			if err := valid(sampler.Sample(&spans[i]), &spans[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// learnsAnyDuration also looks at ordinary spans after the extreme ones: a single
// bad span must not turn a model's sums into NaN for good.
func learnsAnyDuration(f Factory, o Options) error {
	spans := Workload(o.Train+probe, 9)
	sampler := f()
	learn(sampler, spans[:o.Train])
	for _, call := range []trace.Call{trace.OverflowCall, 1, MaxCalls} {
		extreme := extremeSpans(call)
		for i := range extreme {
			sampler.Learn(&extreme[i])
			if err := valid(sampler.Sample(&extreme[i]), &extreme[i]); err != nil {
				return err
			}
		}
	}
	for i := range spans[o.Train:] {
		s := &spans[o.Train+i]
		if err := valid(sampler.Sample(s), s); err != nil {
			return wrap("an ordinary span after extreme ones", err)
		}
		sampler.Learn(s)
	}
	return nil
}

func monotone(f Factory, o Options) error {
	sampler := f()
	learn(sampler, Workload(o.Train, 10))
	durations := append([]int64{}, Extremes[:5]...)
	for d := 1.0; d < math.MaxInt64/2; d *= 1.01 {
		durations = append(durations, int64(d))
	}
	durations = append(durations, math.MaxInt64)
	for call := range trace.Call(20) { // known, unknown and overflow
		last, lastNs := math.Inf(-1), int64(0)
		for _, ns := range durations {
			d := sampler.Sample(&trace.Span{Call: call, Duration: ns})
			if d.Score < last && !d.WarmUp {
				return fmt.Errorf("call %d: score %v at %d ns, but %v at %d ns", call, last, lastNs, d.Score, ns)
			}
			last, lastNs = d.Score, ns
		}
	}
	return nil
}

func snapshotContinues(f Factory, o Options) error {
	spans := Workload(o.Train+probe, 11)
	for _, at := range []int{0, 1, o.Train / 3, o.Train} {
		original, ok := f().(Snapshotter)
		if !ok {
			return fmt.Errorf("%T has no Snapshot method, but Options.Restore is set", f())
		}
		sampler := original.(trace.Sampler)
		decide(sampler, spans[:at])
		state, err := original.Snapshot()
		if err != nil {
			return fmt.Errorf("snapshot after %d spans: %w", at, err)
		}
		restored, err := o.Restore(state)
		if err != nil {
			return fmt.Errorf("restore after %d spans: %w", at, err)
		}
		want := decide(sampler, spans[at:])
		if err := differ(want, decide(restored, spans[at:])); err != nil {
			return fmt.Errorf("restored after %d spans: %w", at, err)
		}
	}
	return nil
}
