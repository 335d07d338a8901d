package loadgen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Config is the shape of the load. DefaultConfig is the shape for which figures of
// other receivers are known.
type Config struct {
	Traces    int     // of an export; all of their spans are in it
	Spans     int     // of a trace: a root and its children
	SpanBytes int     // of a span on the wire, 130 or more
	Services  int     // that the spans of a trace are spread over, at most Spans
	SlowShare float64 // of traces that hold one slow span, 0..1
	SlowBy    float64 // how many times slower that is
	Seed      uint64
}

// DefaultConfig is 20 traces of 10 spans of 188 bytes, and 1 % of traces slow.
func DefaultConfig() Config {
	return Config{Traces: 20, Spans: 10, SpanBytes: 188, Services: 5, SlowShare: 0.01, SlowBy: 50, Seed: 1}
}

// Validate says what is out of range.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("loadgen: "+format, args...))
		}
	}
	want(c.Traces >= 1 && c.Traces <= 10_000, "%d traces an export: want 1 to 10 000", c.Traces)
	want(c.Spans >= 1 && c.Spans <= 1000, "%d spans a trace: want 1 to 1 000", c.Spans)
	want(c.SpanBytes >= minSpanBytes && c.SpanBytes <= 10_000, "%d bytes a span: want %d to 10 000", c.SpanBytes, minSpanBytes)
	want(c.Services >= 1 && c.Services <= c.Spans, "%d services: want 1 to the %d spans of a trace", c.Services, c.Spans)
	want(c.SlowShare >= 0 && c.SlowShare <= 1, "a share of %g slow traces: want 0 to 1", c.SlowShare)
	want(c.SlowBy >= 1 && c.SlowBy <= 1e6, "slower by %g: want 1 to 1e6", c.SlowBy)
	return errors.Join(errs...)
}

// minSpanBytes is a span whose padding is one byte.
const minSpanBytes = 130

// Generator makes exports. Not safe for concurrent use.
type Generator struct {
	cfg      Config
	rng      *rand.Rand
	template []byte
	places   []place // of the spans: trace by trace, its root first
	factors  []float64
}

// place is where in the template a span has what changes.
type place struct {
	trace, id, parent int // parent 0: a root
	start, end        int
	median            float64 // of its duration, ns
}

// New lays out the export. Generators of different seeds send different traces.
func New(c Config) (*Generator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	g := &Generator{cfg: c, rng: rand.New(rand.NewPCG(c.Seed, 0x10ad)), places: make([]place, c.Traces*c.Spans)}
	for service := range c.Services {
		g.resourceSpans(service)
	}
	for range 4096 {
		g.factors = append(g.factors, math.Exp(0.25*g.rng.NormFloat64()))
	}
	return g, nil
}

// Spans is how many are in an export.
func (g *Generator) Spans() int { return len(g.places) }

// Next is an ExportTraceServiceRequest whose spans have just ended, at now, ns since
// the Unix epoch. The bytes are the caller's.
func (g *Generator) Next(now int64) []byte {
	msg := append([]byte(nil), g.template...)
	for t := range g.cfg.Traces {
		spans := g.places[t*g.cfg.Spans : (t+1)*g.cfg.Spans]
		hi, lo, slow := g.rng.Uint64()|1, g.rng.Uint64(), -1
		if g.rng.Float64() < g.cfg.SlowShare {
			slow = g.rng.IntN(len(spans))
		}
		root := g.rng.Uint64() | 1
		for i, p := range spans {
			id := root
			if i > 0 {
				id = g.rng.Uint64() | 1
				binary.BigEndian.PutUint64(msg[p.parent:], root)
			}
			d := float64(p.median * g.factors[g.rng.IntN(len(g.factors))])
			if i == slow {
				d = float64(d * g.cfg.SlowBy)
			}
			binary.BigEndian.PutUint64(msg[p.trace:], hi)
			binary.BigEndian.PutUint64(msg[p.trace+8:], lo)
			binary.BigEndian.PutUint64(msg[p.id:], id)
			binary.LittleEndian.PutUint64(msg[p.start:], uint64(now-int64(d)))
			binary.LittleEndian.PutUint64(msg[p.end:], uint64(now))
		}
	}
	return msg
}

// resourceSpans appends one service's share of every trace.
func (g *Generator) resourceSpans(service int) {
	name := fmt.Sprintf("service-%02d", service)
	resource := field(nil, 1, keyValue("service.name", name))
	resource = field(resource, 1, keyValue("service.instance.id", name+"-0"))
	spans := 0
	for i := service; i < g.cfg.Spans; i += g.cfg.Services {
		spans += g.cfg.Traces
	}
	perSpan := protowire.SizeTag(2) + protowire.SizeBytes(g.cfg.SpanBytes)
	scope := field(nil, 1, field(nil, 1, []byte("loadgen")))
	scopeSize := len(scope) + spans*perSpan
	size := len(field(nil, 1, resource)) + protowire.SizeTag(2) + protowire.SizeBytes(scopeSize)

	g.template = header(g.template, 1, size)
	g.template = field(g.template, 1, resource)
	g.template = header(g.template, 2, scopeSize)
	g.template = append(g.template, scope...)
	for t := range g.cfg.Traces {
		for i := service; i < g.cfg.Spans; i += g.cfg.Services {
			g.span(t, i)
		}
	}
}

// span appends span i of trace t.
func (g *Generator) span(t, i int) {
	p := &g.places[t*g.cfg.Spans+i]
	p.median = 1e6 * float64(1+i%10)
	b := header(g.template, 2, g.cfg.SpanBytes)
	from := len(b)
	b, p.trace = hole(b, 1, 16)
	b, p.id = hole(b, 2, 8)
	if i > 0 {
		b, p.parent = hole(b, 4, 8)
	}
	b = field(b, 5, fmt.Appendf(nil, "GET /operation/%03d", i))
	b = protowire.AppendVarint(protowire.AppendTag(b, 6, protowire.VarintType), 2)
	b, p.start = fixed(b, 7)
	b, p.end = fixed(b, 8)
	pad := padded(g.cfg.SpanBytes - (len(b) - from))
	if pad == nil { // no attribute has that size: a count of dropped ones takes two bytes
		b = protowire.AppendVarint(protowire.AppendTag(b, 10, protowire.VarintType), 1)
		pad = padded(g.cfg.SpanBytes - (len(b) - from))
	}
	g.template = field(b, 9, pad)
}

// padded is an attribute that takes n bytes with its own tag and length; nil: its
// length gets longer just there. Lengths inside it skip sizes, too, which longer keys
// fill.
func padded(n int) []byte {
	for _, key := range []string{"url.path", "url.query", "url.domain", "server.name"} {
		for size := n; size > 0; size-- {
			kv := keyValue(key, strings.Repeat("x", size))
			if protowire.SizeTag(9)+protowire.SizeBytes(len(kv)) == n {
				return kv
			}
		}
	}
	return nil
}

func keyValue(k, v string) []byte {
	return field(field(nil, 1, []byte(k)), 2, field(nil, 1, []byte(v)))
}

func field(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

// header is a field's tag and length alone.
func header(b []byte, num protowire.Number, size int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.BytesType), uint64(size))
}

// hole is a field of n bytes that are filled in later, at at.
func hole(b []byte, num protowire.Number, n int) (out []byte, at int) {
	b = header(b, num, n)
	return append(b, make([]byte, n)...), len(b)
}

func fixed(b []byte, num protowire.Number) (out []byte, at int) {
	b = protowire.AppendTag(b, num, protowire.Fixed64Type)
	return append(b, make([]byte, 8)...), len(b)
}
