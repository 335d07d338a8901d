package otlp

import "sync/atomic"

// Counters is what a Stage has done. All but the gauges at the end only grow. Of
// every acknowledged span exactly one counter of the first group tells what became
// of it: Spans is their sum.
type Counters struct {
	Spans int64 `json:"spans"` // judged, and acknowledged

	Sampled   int64 `json:"sampled"`   // kept, whether in time or not
	Passed    int64 `json:"passed"`    // judged ordinary
	WarmUp    int64 `json:"warm_up"`   // the sampler was not ready
	Negative  int64 `json:"negative"`  // not kept: ended before it started
	Future    int64 `json:"future"`    // not kept: ended too far ahead of this clock
	Late      int64 `json:"late"`      // not kept: ended before every window
	Duplicate int64 `json:"duplicate"` // not kept: sent again

	Rejected   int64 `json:"rejected"`   // spans that break OTLP's rules: partial success
	Unreadable int64 `json:"unreadable"` // of Sampled, not given to outputs: malformed inside

	Exports   int64 `json:"exports"`   // acknowledged
	Malformed int64 `json:"malformed"` // exports refused for good: not protobuf, not JSON
	Abandoned int64 `json:"abandoned"` // exports whose sender gave up before their turn
	Full      int64 `json:"full"`      // exports told to come again: MaxPending
	Bytes     int64 `json:"bytes"`     // exports told to come again: MaxBytes
	Memory    int64 `json:"memory"`    // exports told to come again: Overloaded
	Draining  int64 `json:"draining"`  // exports told to come again: the stage ends

	Pending      int   `json:"pending"`       // gauge: exports in flight
	PendingBytes int64 `json:"pending_bytes"` // gauge: held of MaxBytes
}

type counters struct {
	sampled, passed, warmUp, negative, future, late, duplicate atomic.Int64
	rejected, unreadable, exports, malformed, abandoned        atomic.Int64
	refused                                                    [numReasons]atomic.Int64
}

func (c *counters) judged(s *sums, spans, rejected int) {
	for _, p := range [...]struct {
		to *atomic.Int64
		n  int64
	}{
		{&c.sampled, s.sampled}, {&c.passed, s.passed}, {&c.warmUp, s.warmUp}, {&c.negative, s.negative}, {&c.future, s.future},
		{&c.late, s.late}, {&c.duplicate, s.duplicate}, {&c.rejected, int64(rejected)}, {&c.exports, 1},
	} {
		if p.n != 0 {
			p.to.Add(p.n)
		}
	}
}

// Counters is what happened so far. While exports are judged, the counters are each
// right, but not of one moment.
func (st *Stage) Counters() Counters {
	c := &st.counters
	out := Counters{
		Sampled: c.sampled.Load(), Passed: c.passed.Load(), WarmUp: c.warmUp.Load(),
		Negative: c.negative.Load(), Future: c.future.Load(), Late: c.late.Load(), Duplicate: c.duplicate.Load(),
		Rejected: c.rejected.Load(), Unreadable: c.unreadable.Load(),
		Exports: c.exports.Load(), Malformed: c.malformed.Load(), Abandoned: c.abandoned.Load(),
		Full: c.refused[ReasonFull].Load(), Bytes: c.refused[ReasonBytes].Load(),
		Memory: c.refused[ReasonMemory].Load(), Draining: c.refused[ReasonDraining].Load(),
		Pending: len(st.places), PendingBytes: st.bytes.Load(),
	}
	out.Spans = out.Sampled + out.Passed + out.WarmUp + out.Negative + out.Future + out.Late + out.Duplicate
	return out
}
