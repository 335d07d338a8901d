package otlp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// benchRequests is 20 requests of 200 spans as an SDK writes them: a handful of
// attributes each, names from a few dozen.
func benchRequests() (all []*tracepb.TracesData) {
	g := newGenerator(1)
	for range 20 {
		rs := &tracepb.ResourceSpans{Resource: benchResource(), ScopeSpans: []*tracepb.ScopeSpans{{}}}
		for i := range 200 {
			s := namedSpan(fmt.Sprintf("GET /api/%d", i%40))
			s.TraceId, s.SpanId, s.ParentSpanId = g.id16(), g.id16()[:8], g.id16()[:8]
			s.StartTimeUnixNano = 1_700_000_000_000_000_000 + uint64(i)
			s.EndTimeUnixNano = s.StartTimeUnixNano + 5_000_000
			s.Attributes = benchAttributes()
			rs.ScopeSpans[0].Spans = append(rs.ScopeSpans[0].Spans, s)
		}
		all = append(all, &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{rs}})
	}
	return all
}

func benchDecode(b *testing.B, data []byte, open func() decoder) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var s trace.Span
	spans := 0
	for b.Loop() {
		d := open()
		for {
			err := d.Decode(&s)
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			spans++
		}
	}
	b.ReportMetric(float64(spans)/b.Elapsed().Seconds(), "spans/s")
}

func BenchmarkJSON(b *testing.B) {
	forms := jsonForms(b, benchRequests())
	for _, form := range []string{"hex ids", "pretty"} {
		b.Run(form, func(b *testing.B) {
			benchDecode(b, forms[form], func() decoder { return NewJSON(bytes.NewReader(forms[form]), "f", Options{}) })
		})
	}
	b.Run("service from span", func(b *testing.B) {
		data := forms["hex ids"]
		benchDecode(b, data, func() decoder { return NewJSON(bytes.NewReader(data), "f", Options{ServiceAttr: "peer.service"}) })
	})
}

func BenchmarkProto(b *testing.B) {
	data := framed(b, benchRequests())[Uint32Delimited]
	benchDecode(b, data, func() decoder { return NewProto(bytes.NewReader(data), "f", Options{}) })
}

func BenchmarkCSV(b *testing.B) {
	var buf bytes.Buffer
	buf.WriteString(csvHeader)
	for _, td := range benchRequests() {
		for _, s := range td.ResourceSpans[0].ScopeSpans[0].Spans {
			enc := base64.StdEncoding.EncodeToString
			fmt.Fprintf(&buf, "%s,%s,%s,%s,%d,%d,\"[{'key': 'http.method'}, {'key': 'x'}]\",shop,5.0,host-1\n",
				enc(s.TraceId), enc(s.SpanId), enc(s.ParentSpanId), s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
	}
	benchDecode(b, buf.Bytes(), func() decoder {
		d, err := NewCSV(bytes.NewReader(buf.Bytes()), "f", Options{})
		if err != nil {
			b.Fatal(err)
		}
		return d
	})
}

// BenchmarkConverter includes the protobuf decoding that gRPC does before it.
func BenchmarkConverter(b *testing.B) {
	var messages [][]byte
	for _, td := range benchRequests() {
		m, err := proto.Marshal(td)
		if err != nil {
			b.Fatal(err)
		}
		messages = append(messages, m)
	}
	c := NewConverter("f", Options{})
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range messages {
			var td tracepb.TracesData
			if err := proto.Unmarshal(m, &td); err != nil {
				b.Fatal(err)
			}
			for _, bad := range c.Spans(td.ResourceSpans[0]) {
				if bad != nil {
					b.Fatal(bad)
				}
			}
		}
	}
	b.ReportMetric(float64(c.Tally().Spans)/b.Elapsed().Seconds(), "spans/s")
}
