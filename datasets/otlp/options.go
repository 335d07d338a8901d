package otlp

// The names of spans that came without one. OTLP says that an empty span name is
// an unknown name, and the SDKs' name for a missing service.name is the first.
const (
	UnknownService   = "unknown_service"
	UnknownOperation = "unknown_operation"
)

// DefaultMaxMessage is 64 MiB: about 100 000 spans of one resource with their
// attributes. The Collector sends at most 8 192 spans a request by default.
const DefaultMaxMessage = 64 << 20

// Options of the decoders. The zero value reads what an SDK writes.
type Options struct {
	// ServiceAttr is a span attribute whose string value is the service name and
	// wins over the resource. otelgen needs "service.name": its resource names
	// the generator. For CSV it is a column, "." read as "_".
	// Default: none.
	ServiceAttr string
	// Attributes are the keys of span and resource attributes that a [Wire] gives as
	// text beside each span. The other decoders give none. Default: none.
	Attributes []string
	// MaxMessage is the largest single ResourceSpans in bytes, and with it the
	// memory of a decoder; a larger one is a *trace.RowError. 0 means
	// DefaultMaxMessage.
	MaxMessage int
}

func (o Options) maxMessage() int {
	if o.MaxMessage <= 0 {
		return DefaultMaxMessage
	}
	return o.MaxMessage
}

// Tally counts what a decoder let through.
type Tally struct {
	Spans     int64 // good spans
	NoService int64 // of these, named UnknownService
	NoName    int64 // of these, named UnknownOperation
}
