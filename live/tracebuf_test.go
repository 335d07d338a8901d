package live

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// TestTraceTableEqualsAMap: random traces come and go, with hashes of so few bits that
// most collide, and one that is hashed to the last slot of the table.
func TestTraceTableEqualsAMap(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 6))
		table, twin := newTraceTable(), map[uint32]uint32{} // hash by number
		hash := func() uint32 { return []uint32{rng.Uint32(), rng.Uint32N(4), ^uint32(0) - rng.Uint32N(2)}[rng.IntN(3)] }
		for range 2000 {
			no := 1 + rng.Uint32N(200)
			if h, ok := twin[no]; ok {
				table.remove(h, no)
				delete(twin, no)
			} else if rng.IntN(3) > 0 {
				h := hash()
				table.put(h, no)
				twin[no] = h
			}
			no = 1 + rng.Uint32N(200)
			h, there := twin[no]
			want := no
			if !there {
				h, want = hash(), 0
			}
			if got := table.find(h, func(x uint32) bool { return x == no }); got != want {
				t.Fatalf("seed %d: found %d, want %d", seed, got, want)
			}
		}
		if table.n != len(twin) {
			t.Fatalf("seed %d: %d traces, want %d", seed, table.n, len(twin))
		}
	}
}

// slowBuffer is what traceBuffer does, with nothing to make it fast.
type slowBuffer struct {
	order    []trace.TraceID
	spans    map[trace.TraceID][]bufSpan
	touched  map[trace.TraceID]int64
	closed   [][]bufSpan
	maxSpans int
	maxTrace int
}

func (b *slowBuffer) add(id trace.TraceID, s bufSpan, now int64) (fresh bool) {
	if !slices.Contains(b.order, id) {
		b.order = append(b.order, id)
	}
	b.touched[id] = now
	have := b.spans[id]
	if slices.ContainsFunc(have[max(0, len(have)-duplicateSearch):], func(o bufSpan) bool { return o.id == s.id }) {
		return false
	}
	if len(have) < b.maxTrace {
		b.spans[id] = append(have, s)
	}
	for b.order[0] != id {
		n := 0
		for _, s := range b.spans {
			n += len(s)
		}
		if n <= b.maxSpans {
			break
		}
		b.close(b.order[0])
	}
	return true
}

func (b *slowBuffer) close(id trace.TraceID) {
	b.closed = append(b.closed, b.spans[id])
	delete(b.spans, id)
	b.order = slices.DeleteFunc(b.order, func(o trace.TraceID) bool { return o == id })
}

func (b *slowBuffer) expire(before int64) {
	for _, id := range slices.Clone(b.order) {
		if b.touched[id] <= before {
			b.close(id)
		}
	}
}

// TestTraceBufferEqualsSlowOne: random spans, copies and giants included. Traces close
// in the same order with the same spans in them.
func TestTraceBufferEqualsSlowOne(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var closed [][]bufSpan
		var fast *traceBuffer
		fast = newTraceBuffer(600, 400, func(o *openTrace, _ bool) { closed = append(closed, fast.spansOf(o, nil)) })
		slow := &slowBuffer{spans: map[trace.TraceID][]bufSpan{}, touched: map[trace.TraceID]int64{}, maxSpans: 600, maxTrace: 400}
		for i := range int64(3000) {
			id := trace.TraceID{Hi: rng.Uint64N(2), Lo: uint64(i/100) + rng.Uint64N(5)}
			if seed%2 == 0 {
				id = trace.TraceID{Lo: uint64(i / 700)}
			}
			s := bufSpan{id: trace.SpanID(rng.IntN(500)), start: i}
			if _, fresh := fast.add(id, &s, i); fresh != slow.add(id, s, i) {
				t.Fatalf("seed %d: fresh %v", seed, fresh)
			}
			if i%200 == 0 {
				fast.expire(i - 150)
				slow.expire(i - 150)
			}
			if fast.len() != len(slow.order) || fast.isOpen(id) != slices.Contains(slow.order, id) {
				t.Fatalf("seed %d: %d traces open, want %d", seed, fast.len(), len(slow.order))
			}
		}
		fast.expire(1 << 20)
		slow.expire(1 << 20)
		if !slices.EqualFunc(closed, slow.closed, slices.Equal) || fast.spans != 0 || len(closed) < 5 {
			t.Fatalf("seed %d: %d traces closed, want %d, %d spans left", seed, len(closed), len(slow.closed), fast.spans)
		}
		if _, fresh := fast.add(trace.TraceID{Lo: 1}, &bufSpan{id: 1}, 1<<21); !fresh || fast.len() != 1 {
			t.Fatalf("seed %d: nothing goes into an empty buffer", seed)
		}
	}
}
