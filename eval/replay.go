package eval

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// MaxCutSpans is how many training spans a cut-off is chosen on at most: of a
// longer training part a uniform sample is taken, on which a share of .1 % has a
// standard error of .003 %.
const MaxCutSpans = 1 << 20

// replay keeps training spans so that the trained samplers can score them, although
// the source can be read once only. Of the names it keeps the first seen of a call.
//
// Memory: 72 bytes a span, at most MaxCutSpans spans.
type replay struct {
	max   int
	rng   *rand.Rand
	seen  int64
	spans []keptSpan
	names map[trace.Call][2]string
}

type keptSpan struct {
	at         int64
	id         trace.TraceID
	span       trace.SpanID
	parent     trace.SpanID
	start, dur int64
	call       trace.Call
	label      trace.Label
}

func newReplay(max int, seed uint64) *replay {
	return &replay{
		max:   max,
		rng:   rand.New(rand.NewPCG(seed, 0x7265706c6179)), // "replay": apart from other uses of the seed
		names: map[trace.Call][2]string{},
	}
}

// expect makes room for spans at once, where a says: growing would copy them again and
// again.
func (r *replay) expect(a Arrays, spans int64) (err error) {
	r.spans, err = empty[keptSpan](a, int(min(max(spans, 0), int64(r.max))))
	return err
}

// add keeps s with the probability that makes the sample uniform (Vitter 1985,
// algorithm R).
func (r *replay) add(s *trace.Span) {
	k := keptSpan{r.seen, s.TraceID, s.ID, s.ParentID, s.Start, s.Duration, s.Call, s.Label}
	if _, ok := r.names[s.Call]; !ok {
		r.names[s.Call] = [2]string{strings.Clone(s.Service), strings.Clone(s.Operation)}
	}
	r.seen++
	if len(r.spans) < r.max {
		r.spans = append(r.spans, k)
	} else if j := r.rng.Int64N(r.seen); j < int64(r.max) {
		r.spans[j] = k
	}
}

// sort puts the kept spans in their order.
func (r *replay) sort() {
	slices.SortFunc(r.spans, func(a, b keptSpan) int { return int(a.at - b.at) })
}

// each yields the kept spans, without Kind, in their order after sort. The span is
// reused.
func (r *replay) each(f func(s *trace.Span)) {
	var s trace.Span
	for _, k := range r.spans {
		name := r.names[k.call]
		s = trace.Span{TraceID: k.id, ID: k.span, ParentID: k.parent, Start: k.start, Duration: k.dur,
			Call: k.call, Label: k.label, Service: name[0], Operation: name[1]}
		f(&s)
	}
}
