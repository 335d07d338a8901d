package twin

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Recording is the spans of a system, as far as a fit needs them.
type Recording struct {
	calls *trace.Calls
	spans []span
}

// ReadOptions say what becomes part of a recording. The zero value is the default.
type ReadOptions struct {
	// Calls tells calls apart and merges operation names such as /user/7. nil: a table
	// of the default size, and names as they are.
	Calls *trace.Calls
	// FaultFree leaves out traces with a span that is labelled as touched by a fault, or
	// as recorded while it may have been: anything but normal or unlabelled.
	FaultFree bool
	// MaxSpans bounds memory, at about 150 bytes each; more is an error. 0: 5 million.
	MaxSpans int
}

// Read takes a stream of spans in any order. Errors are those of the source, and too
// many spans.
func Read(src trace.Source, opt ReadOptions) (*Recording, error) {
	r := &Recording{calls: opt.Calls}
	if r.calls == nil {
		r.calls = trace.NewCalls(trace.DefaultMaxCalls, nil)
	}
	limit := cmp.Or(opt.MaxSpans, 5_000_000)
	for s, err := range src {
		if err != nil {
			return nil, err
		}
		if len(r.spans) == limit {
			return nil, fmt.Errorf("more than %d spans: a fit wants a shorter stretch", limit)
		}
		r.spans = append(r.spans, span{
			trace: s.TraceID, id: s.ID, parent: s.ParentID, start: s.Start, end: s.End(),
			call: r.calls.Of(s.Service, s.Operation), fault: s.Label != trace.Unlabelled && s.Label != trace.Normal,
		})
	}
	if opt.FaultFree {
		touched := map[trace.TraceID]bool{}
		for i := range r.spans {
			if r.spans[i].fault {
				touched[r.spans[i].trace] = true
			}
		}
		r.spans = slices.DeleteFunc(r.spans, func(s span) bool { return touched[s.trace] })
	}
	return r, nil
}

// Len is the number of spans.
func (r *Recording) Len() int { return len(r.spans) }

// Split parts the traces by whether the minute of the clock in which they began is even:
// one half to fit, one to hold predictions to.
func (r *Recording) Split() (even, odd *Recording) {
	begin := map[trace.TraceID]int64{}
	for i := range r.spans {
		s := &r.spans[i]
		if at, ok := begin[s.trace]; !ok || s.start < at {
			begin[s.trace] = s.start
		}
	}
	even, odd = &Recording{calls: r.calls}, &Recording{calls: r.calls}
	for _, s := range r.spans {
		half := even
		if begin[s.trace]/60e9%2 != 0 {
			half = odd
		}
		half.spans = append(half.spans, s)
	}
	return even, odd
}

// Durations are those of the recorded spans.
func (r *Recording) Durations() Durations {
	d := Durations{}
	for _, s := range r.spans {
		name := callName(nameOf(r.calls, s.call))
		d[name] = append(d[name], float64(s.end-s.start)/1e9)
	}
	return d.sorted()
}
