package live

import (
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Span is a trace.Span with what rules match on besides. A caller may reuse one
// Span and its Attributes slice for every call of [Pipeline.Span]; nothing keeps a
// pointer to it, and strings that are kept are copied.
//
// SpanKind is OpenTelemetry's kind of span. It is not trace.Span.Kind, which
// belongs to the ground truth of a labelled data set and is never read here.
type Span struct {
	trace.Span
	SpanKind   SpanKind
	Status     Status
	Attributes []Attribute // span and resource attributes, in any order

	// Decision is what the sampler said. Pipeline.Span sets it before rules observe.
	Decision trace.Decision
}

// Attribute is one key and its value as text.
type Attribute struct{ Key, Value string }

// Attr is the value of the first attribute named key. Cost: O(attributes); spans
// have few.
func (s *Span) Attr(key string) (string, bool) {
	for i := range s.Attributes {
		if s.Attributes[i].Key == key {
			return s.Attributes[i].Value, true
		}
	}
	return "", false
}

// SpanKind is OpenTelemetry's span kind, with the numbers of OTLP.
type SpanKind uint8

// The span kinds of OTLP.
const (
	KindUnspecified SpanKind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
	numSpanKinds
)

var spanKindNames = [numSpanKinds]string{"unspecified", "internal", "server", "client", "producer", "consumer"}

// String is the lower-case name.
func (k SpanKind) String() string {
	if k >= numSpanKinds {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return spanKindNames[k]
}

// ParseSpanKind is the inverse of String.
func ParseSpanKind(s string) (SpanKind, error) {
	for i, n := range spanKindNames {
		if s == n {
			return SpanKind(i), nil
		}
	}
	return 0, fmt.Errorf("span kind %q: want one of unspecified, internal, server, client, producer, consumer", clip(s, 40))
}

// entry says whether a span of this kind is a request that came to its service.
// Data sets without kinds count every span: growth is a ratio, and stays right.
func (k SpanKind) entry() bool {
	return k == KindServer || k == KindConsumer || k == KindUnspecified
}

// async says that the parent does not wait for a span of this kind.
func (k SpanKind) async() bool { return k == KindConsumer }

// Status is OpenTelemetry's span status, with the numbers of OTLP.
type Status uint8

// The statuses of OTLP.
const (
	StatusUnset Status = iota
	StatusOK
	StatusError
)

// clip shortens a name for a message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
