package otlp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// wireOptions name attributes of every kind that the generator makes.
var wireOptions = Options{ServiceAttr: "peer.service", Attributes: []string{"http.url", "service.name", "größe"}}

// walked renders what a Wire finds in msg, and the spans that a Picker cut out.
func walked(msg []byte, opt Options) (out []string, picked []byte, err error) {
	w, p := NewWire(opt), &Picker{}
	err = EachResourceSpans(msg, func(rs []byte) error {
		if err := w.Reset(rs); err != nil {
			var broken *FieldError
			if errors.As(err, &broken) {
				return fmt.Errorf("resource: %w", err) // not UTF-8: stock decoding refuses it, too
			}
			return err
		}
		for {
			s := trace.Span{Service: "dirty", Kind: "dirty"}
			var m Meta
			err := w.Next(&s, &m)
			var broken *FieldError
			switch {
			case err == io.EOF:
				return nil
			case errors.As(err, &broken):
				out = append(out, "refused "+broken.Field)
				continue
			case err != nil:
				return err
			}
			out = append(out, fmt.Sprintf("%+v kind %d status %d %v", s, m.Kind, m.Status, m.Attributes))
			p.Add(rs, m.Scope, m.Raw)
		}
	})
	return out, p.Take(), err
}

// stock is the same by the reference decoder, the Converter, and getters.
func stock(td *tracepb.TracesData, opt Options) (out []string, picked *tracepb.TracesData) {
	c, picked := NewConverter("stock", opt), &tracepb.TracesData{}
	for _, rs := range td.ResourceSpans {
		var all []*tracepb.Span
		var scopeOf []*tracepb.ScopeSpans
		for _, scope := range rs.ScopeSpans {
			for _, s := range scope.Spans {
				all, scopeOf = append(all, s), append(scopeOf, scope)
			}
		}
		i := -1
		for s, bad := range c.Spans(rs) {
			i++
			if bad != nil {
				out = append(out, "refused "+bad.Field)
				continue
			}
			p := all[i]
			kind, status := p.Kind, p.GetStatus().GetCode()
			if kind < 0 || kind > 5 {
				kind = 0
			}
			if status < 0 || status > 2 {
				status = 0
			}
			var attrs []Attribute
			for _, kvs := range [][]*commonpb.KeyValue{p.Attributes, rs.GetResource().GetAttributes()} {
				for _, kv := range kvs {
					if text := plain(kv.GetValue()); text != "" && slices.Contains(opt.Attributes, kv.GetKey()) {
						attrs = append(attrs, Attribute{kv.GetKey(), text})
					}
				}
			}
			out = append(out, fmt.Sprintf("%+v kind %d status %d %v", *s, kind, status, attrs))
			one := proto.CloneOf(rs)
			one.ScopeSpans = []*tracepb.ScopeSpans{proto.CloneOf(scopeOf[i])}
			one.ScopeSpans[0].Spans = []*tracepb.Span{p}
			picked.ResourceSpans = append(picked.ResourceSpans, one)
		}
	}
	return out, picked
}

func plain(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return fmt.Sprint(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return fmt.Sprint(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return fmt.Sprint(v.DoubleValue)
	}
	return ""
}

// exploded gives each span a ResourceSpans of its own, as stock picks them.
func exploded(td *tracepb.TracesData) *tracepb.TracesData {
	out := &tracepb.TracesData{}
	for _, rs := range td.ResourceSpans {
		for _, scope := range rs.ScopeSpans {
			for _, s := range scope.Spans {
				one, sc := proto.CloneOf(rs), proto.CloneOf(scope)
				sc.Spans = []*tracepb.Span{s}
				one.ScopeSpans = []*tracepb.ScopeSpans{sc}
				out.ResourceSpans = append(out.ResourceSpans, one)
			}
		}
	}
	return out
}

// checkWire holds the walk of msg to what stock decoding gives, if that can read
// it. Of what it cannot read, only a span's own ids, times and names matter here.
func checkWire(t *testing.T, msg []byte, opt Options) {
	t.Helper()
	got, picked, err := walked(msg, opt)
	var td tracepb.TracesData
	if proto.Unmarshal(msg, &td) != nil {
		return
	}
	want, whole := stock(&td, opt)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("walked %q, %v\nstock  %q", got, err, want)
	}
	var again tracepb.TracesData
	if err := proto.Unmarshal(picked, &again); err != nil {
		t.Fatalf("picked spans cannot be read: %v", err)
	}
	if g := exploded(&again); !proto.Equal(g, whole) && !hasNaN(whole) {
		t.Fatalf("picked %v\nwant   %v", g, whole)
	}
}

// hasNaN: a NaN is not equal to itself, in proto.Equal it is, except inside
// attributes that were kept as bytes of another bit pattern.
func hasNaN(m *tracepb.TracesData) bool { return !proto.Equal(m, proto.CloneOf(m)) }

func TestWireEqualsStock(t *testing.T) {
	g := newGenerator(7)
	for range 2000 {
		td := g.tracesData()
		for _, rs := range td.ResourceSpans {
			for _, scope := range rs.ScopeSpans {
				for _, s := range scope.Spans {
					s.Kind = tracepb.Span_SpanKind(g.IntN(9) - 1)
				}
			}
		}
		msg, err := proto.Marshal(td)
		if err != nil {
			t.Fatal(err)
		}
		checkWire(t, msg, wireOptions)
		checkWire(t, msg, Options{})
	}
}

func FuzzWire(f *testing.F) {
	g := newGenerator(9)
	for range 20 {
		msg, err := proto.Marshal(g.tracesData())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) { checkWire(t, msg, wireOptions) })
}

// Messages of one scope share it when they are picked one after the other.
func TestPickerShares(t *testing.T) {
	td := request(namedSpan("a"), namedSpan("b"), namedSpan("c"))
	td.ResourceSpans[0].Resource = benchResource()
	msg, err := proto.Marshal(td)
	if err != nil {
		t.Fatal(err)
	}
	_, picked, err := walked(msg, Options{})
	if err != nil || string(picked) != string(msg) {
		t.Errorf("all spans of a message are not the message: %x, want %x (%v)", picked, msg, err)
	}
}

// BenchmarkWire is a walk without a copy, as live mode does it.
func BenchmarkWire(b *testing.B) {
	for name, opt := range map[string]Options{"fields": {}, "attributes": {Attributes: []string{"peer.service", "http.request.method"}}} {
		b.Run(name, func(b *testing.B) {
			var messages [][]byte
			size := 0
			for _, td := range benchRequests() {
				m, err := proto.Marshal(td)
				if err != nil {
					b.Fatal(err)
				}
				messages, size = append(messages, m), size+len(m)
			}
			w := NewWire(opt)
			var s trace.Span
			var meta Meta
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, m := range messages {
					if err := EachResourceSpans(m, func(rs []byte) error {
						if err := w.Reset(rs); err != nil {
							return err
						}
						for {
							if err := w.Next(&s, &meta); err == io.EOF {
								return nil
							} else if err != nil {
								return err
							}
						}
					}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(w.Tally().Spans)/b.Elapsed().Seconds(), "spans/s")
		})
	}
}
