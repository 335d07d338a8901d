package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
)

// TraceID is the 128-bit id of a trace, big-endian halves. Formats with shorter
// ids are padded with zeros on the left. The zero value means "none".
type TraceID struct{ Hi, Lo uint64 }

// String is the 32 hex digits that OTLP and W3C Trace Context use.
func (t TraceID) String() string {
	b := t.Bytes()
	return hex.EncodeToString(b[:])
}

// Bytes is the big-endian form.
func (t TraceID) Bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], t.Hi)
	binary.BigEndian.PutUint64(b[8:], t.Lo)
	return b
}

// TraceIDFromBytes reads a big-endian id of at most 16 bytes; shorter ones are
// padded on the left. It panics on longer input, which the caller must refuse.
func TraceIDFromBytes(p []byte) TraceID {
	if len(p) > 16 {
		panic("trace: a trace id has at most 16 bytes")
	}
	var b [16]byte
	copy(b[16-len(p):], p)
	return TraceID{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// SpanID is the 64-bit id of a span, big-endian. Zero means "none": a span whose
// parent is zero is a root.
type SpanID uint64

// String is the 16 hex digits that OTLP and W3C Trace Context use.
func (s SpanID) String() string { return fmt.Sprintf("%016x", uint64(s)) }

// Bytes is the big-endian form.
func (s SpanID) Bytes() (b [8]byte) {
	binary.BigEndian.PutUint64(b[:], uint64(s))
	return b
}

// SpanIDFromBytes reads a big-endian id of at most 8 bytes; shorter ones are
// padded on the left. It panics on longer input, which the caller must refuse.
func SpanIDFromBytes(p []byte) SpanID {
	if len(p) > 8 {
		panic("trace: a span id has at most 8 bytes")
	}
	var b [8]byte
	copy(b[8-len(p):], p)
	return SpanID(binary.BigEndian.Uint64(b[:]))
}

// Span is one timed operation of a request. Times are integer nanoseconds:
// every format is converted on the way in, once, by its loader.
type Span struct {
	TraceID  TraceID
	ID       SpanID
	ParentID SpanID // zero: a root

	Service   string // as in the data, e.g. "checkoutservice"
	Operation string // as in the data, not sanitised
	Call      Call   // interned service and sanitised operation; set by the Source

	Start    int64 // ns since the Unix epoch
	Duration int64 // ns, never negative in a span that a loader let through

	Label Label  // the truth, for evaluation only: no Sampler may read it
	Kind  string // what kind of anomaly or which fault the label speaks of; "" = none
}

// End is the time the span ended, ns since the Unix epoch.
func (s *Span) End() int64 { return s.Start + s.Duration }

// DurationMS is the duration in milliseconds, the unit of the paper's feature.
func (s *Span) DurationMS() float64 { return float64(s.Duration) / 1e6 }

// Source is a stream of spans. The yielded span is reused: it is valid until the
// next one, so a consumer that keeps it copies it. A non-nil error comes with a
// nil span and is the last pair (malformed rows are not errors of the stream:
// they are tallied in the reader's [Bad]).
type Source = iter.Seq2[*Span, error]

// Decision is what a sampler says of one span.
type Decision struct {
	// Score orders spans, high = anomalous. Its range is the sampler's own; one
	// threshold on it must mean the same for every span.
	Score float64
	// Keep is the operating point: whether the sampler would keep (flag) the span.
	Keep bool
	// WarmUp says that the model was not ready and Score means nothing. Evaluation
	// counts such spans apart and never scores them silently.
	WarmUp bool
}

// Sampler scores spans one at a time. Implementations are not safe for
// concurrent use, never read Label or Kind, never modify the span and never keep
// a pointer to it.
type Sampler interface {
	// Sample scores s and decides. It does not train the model; counters such as
	// a rate limiter's tokens may advance.
	Sample(s *Span) Decision
	// Learn trains the model on s.
	Learn(s *Span)
}

// BatchSampler is a Sampler that may look at several spans at a time.
type BatchSampler interface {
	Sampler
	// SampleAll writes to out, of the same length, what Sample would say of each span, one
	// after another with nothing learned between.
	SampleAll(spans []*Span, out []Decision)
}
