package otlp

import (
	"errors"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
)

// turn judges one export at a time.
type turn struct {
	st     *Stage
	picker otlp.Picker
	ids    []trace.TraceID
}

// take judges j, unless its sender has given up.
func (t *turn) take(j *job) {
	if j.state.CompareAndSwap(queued, judging) {
		t.judge(j)
	}
}

func (t *turn) judge(j *job) {
	j.begun = time.Now()
	if t.st.advance != nil {
		t.st.advance(j.begun.UnixNano())
	}
	c := &t.st.counters
	wanted := len(t.st.opt.Outputs) > 0
	var sums sums
	for i := range j.items {
		it := &j.items[i]
		d, err := t.st.opt.Judge.Span(&it.span)
		sums.add(d, err)
		if t.st.opt.Record != nil {
			t.st.opt.Record.Judged(&it.span, err)
		}
		if d.Keep && wanted {
			t.picker.Add(it.rs, it.scope, it.raw)
			t.ids = append(t.ids, it.span.TraceID)
		}
	}
	if len(t.ids) > 0 {
		if b := t.batch(j); b != nil {
			for _, out := range t.st.opt.Outputs {
				out.Sampled(b)
			}
		}
	}
	c.judged(&sums, len(j.items), j.rejected)
	j.ended = time.Now()
	j.done <- struct{}{}
}

// batch is what was picked, after a look by the reference decoder: the walk does
// not read all of a span, and what subscribers get must be readable.
func (t *turn) batch(j *job) *Batch {
	b := &Batch{Data: t.picker.Take(), IDs: append([]trace.TraceID(nil), t.ids...)}
	t.ids = t.ids[:0]
	if proto.Unmarshal(b.Data, &tracepb.TracesData{}) == nil {
		return b
	}
	kept := &Batch{}
	for i := range j.items {
		it := &j.items[i]
		if !it.span.Decision.Keep {
			continue
		}
		t.picker.Add(it.rs, it.scope, it.raw)
		one := t.picker.Take()
		if proto.Unmarshal(one, &tracepb.TracesData{}) != nil {
			t.st.counters.unreadable.Add(1)
			continue
		}
		kept.Data, kept.IDs = append(kept.Data, one...), append(kept.IDs, it.span.TraceID)
	}
	if len(kept.IDs) == 0 {
		return nil
	}
	return kept
}

// sums are the counts of one export.
type sums struct{ sampled, passed, warmUp, negative, future, late, duplicate int64 }

func (s *sums) add(d trace.Decision, err error) {
	switch {
	case d.Keep:
		s.sampled++
	case err == nil && d.WarmUp:
		s.warmUp++
	case err == nil: // the commonest case
		s.passed++
	case errors.Is(err, live.ErrNegative):
		s.negative++
	case errors.Is(err, live.ErrFuture):
		s.future++
	case errors.Is(err, live.ErrLate):
		s.late++
	case errors.Is(err, live.ErrDuplicate):
		s.duplicate++
	default:
		s.passed++
	}
}
