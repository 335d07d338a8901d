package sim

import (
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Epoch is the Unix time at which simulations begin unless told otherwise:
// 2024-11-11 00:00 UTC, ns, the start of the synthetic datasets too.
const Epoch int64 = 1_731_283_200_000_000_000

// OnSpan is called with the span of each visit when it ends, whatever its outcome;
// the visits of a pod that is killed die with it, as its exporter does. The span is
// reused: it is valid during the call. A span begins when the request reaches the
// pod (or the central queue), so it holds the time in the queue, and ends with the
// answer. epoch is the Unix time of the start of the simulation, ns. nil: no spans.
func (s *System) OnSpan(epoch int64, f func(*trace.Span)) { s.epoch, s.onSpan = epoch, f }

// emit labels and hands out the span of a visit: Anomalous when a fault touched it,
// Propagated when it touched only what the visit waited for, else Normal.
func (s *System) emit(v *visit, now int64) {
	if v.pod != nil && !v.pod.accepts() {
		return
	}
	sp := &s.span
	*sp = trace.Span{
		TraceID: v.req.trace, ID: v.id, ParentID: v.parent,
		Service: v.op.service.spec.Name, Operation: v.op.spec.Name,
		Start: s.epoch + v.arrived, Duration: now - v.arrived,
		Label: trace.Normal,
	}
	if v.fault != "" {
		sp.Label, sp.Kind = trace.Anomalous, v.fault
	} else if v.tainted {
		sp.Label = trace.Propagated
	}
	s.onSpan(sp)
}

// Decoder makes the simulation a stream of spans, in the order in which they end: a
// datasets.Decoder. It runs the system as far as the next span needs.
type Decoder struct {
	sys   *System
	until int64
	spans []trace.Span // ended and not read
	read  int
}

// Spans is the stream of all spans that end up to a time. It takes the place of
// OnSpan.
func (s *System) Spans(epoch, until int64) *Decoder {
	d := &Decoder{sys: s, until: until}
	s.OnSpan(epoch, func(sp *trace.Span) { d.spans = append(d.spans, *sp) })
	return d
}

// Decode fills s with the next span; the error is io.EOF at the end, or that of
// [System.Run].
func (d *Decoder) Decode(s *trace.Span) error {
	for d.read == len(d.spans) {
		d.spans, d.read = d.spans[:0], 0
		at, ok := d.sys.clock.Next()
		if !ok || at > d.until {
			return io.EOF
		}
		if err := d.sys.Run(at); err != nil {
			return err
		}
	}
	*s = d.spans[d.read]
	d.read++
	return nil
}
