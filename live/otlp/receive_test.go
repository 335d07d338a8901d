package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/secure"
)

// sending is one way to export; the error is the sender's.
type sending func(t *testing.T, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error)

// waysIn are all forms and compressions of OTLP.
func waysIn(t *testing.T, st *Stage, max int) map[string]sending {
	ways := map[string]sending{}
	client := clientOf(t, served(t, st, secure.Options{MaxMessage: max}))
	for name, opts := range map[string][]grpc.CallOption{"grpc": nil, "grpc+gzip": {grpc.UseCompressor("gzip")}, "grpc+zstd": {grpc.UseCompressor("zstd")}} {
		ways[name] = func(t *testing.T, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
			return client.Export(t.Context(), req, opts...)
		}
	}
	web := httptest.NewServer(st.Handler(max))
	t.Cleanup(web.Close)
	for _, kind := range []string{typeProto, typeJSON} {
		for _, enc := range []string{"", "gzip", "zstd"} {
			ways[kind+"+"+enc] = func(t *testing.T, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
				body := marshalled(t, req)
				if kind == typeJSON {
					body = hexJSON(t, req)
				}
				res, b, err := post(t, web.URL+TracesPath, kind, enc, squeezed(t, enc, body))
				if err != nil {
					return nil, err
				}
				out := &collectorpb.ExportTraceServiceResponse{}
				if res.StatusCode != http.StatusOK {
					s := &spb.Status{}
					check(t, decode(kind, b, s))
					return nil, status.FromProto(s).Err()
				}
				return out, decode(kind, b, out)
			}
		}
	}
	return ways
}

func decode(kind string, b []byte, m proto.Message) error {
	if kind == typeJSON {
		return protojson.Unmarshal(b, m)
	}
	return proto.Unmarshal(b, m)
}

func post(t *testing.T, url, kind, enc string, body []byte) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	check(t, err)
	r.Header.Set("Content-Type", kind)
	if enc != "" {
		r.Header.Set("Content-Encoding", enc)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, b, err
}

func squeezed(t *testing.T, enc string, b []byte) []byte {
	var buf bytes.Buffer
	var w io.WriteCloser
	switch enc {
	case "gzip":
		w = gzip.NewWriter(&buf)
	case "zstd":
		z, err := zstd.NewWriter(&buf)
		check(t, err)
		w = z
	default:
		return b
	}
	_, err := w.Write(b)
	check(t, err)
	check(t, w.Close())
	return buf.Bytes()
}

// hexJSON is OTLP/JSON by way of a generic tree: protojson, with every id written
// again as hex.
func hexJSON(t *testing.T, req *collectorpb.ExportTraceServiceRequest) []byte {
	b, err := protojson.Marshal(req)
	check(t, err)
	var tree any
	check(t, json.Unmarshal(b, &tree))
	var walk func(any)
	walk = func(n any) {
		switch n := n.(type) {
		case []any:
			for _, e := range n {
				walk(e)
			}
		case map[string]any:
			for k, e := range n {
				if s, ok := e.(string); ok && strings.HasSuffix(k, "Id") {
					var id []byte
					check(t, json.Unmarshal([]byte(`"`+s+`"`), &id))
					n[k] = hex.EncodeToString(id)
					continue
				}
				walk(e)
			}
		}
	}
	walk(tree)
	b, err = json.Marshal(tree)
	check(t, err)
	return b
}

// TestEveryWayIn sends the same export by every form and compression: the judge sees
// the same spans, and the sampled one comes out whole, as it went in.
func TestEveryWayIn(t *testing.T) {
	var attrs []live.Attribute
	judge, out := &script{}, &keeper{}
	judge.each = func(s *live.Span) { attrs = slices.Clone(s.Attributes) }
	st := started(t, Options{Judge: judge, Outputs: []Output{out}, Wire: otlp.Options{Attributes: []string{"http.route", "host.name"}}})
	ways := waysIn(t, st, 1<<20)
	if len(ways) != 9 {
		t.Fatal("some ways are missing")
	}
	for name, send := range ways {
		judge.names, out.batches = nil, nil
		req := export("shop", "a", "slow", "b")
		res, err := send(t, req)
		if err != nil || res.GetPartialSuccess() != nil {
			t.Errorf("%s: %v, %v", name, res, err)
			continue
		}
		if want := []string{"shop::a", "shop::slow", "shop::b"}; !slices.Equal(judge.names, want) {
			t.Errorf("%s: judged %q, want %q", name, judge.names, want)
		}
		want := proto.CloneOf(req.ResourceSpans[0])
		want.ScopeSpans[0].Spans = want.ScopeSpans[0].Spans[1:2]
		if got := out.all(t).ResourceSpans; len(got) != 1 || !proto.Equal(got[0], want) {
			t.Errorf("%s: sampled %v\nwant %v", name, got, want)
		}
		last := req.ResourceSpans[0].ScopeSpans[0].Spans[2].Attributes[0].GetValue().GetStringValue()
		if wanted := []live.Attribute{{Key: "http.route", Value: last}, {Key: "host.name", Value: "h1"}}; !slices.Equal(attrs, wanted) {
			t.Errorf("%s: attributes %v, want %v", name, attrs, wanted)
		}
	}
	if c := st.Counters(); c.Spans != 27 || c.Sampled != 9 || c.Passed != 18 || c.Exports != 9 || c.Pending != 0 && c.PendingBytes != 0 {
		t.Errorf("%+v", c)
	}
}

// TestPermanent holds that what is wrong for good is rejected as partial success,
// span by span, or refused without a word of coming again.
func TestPermanent(t *testing.T) {
	judge := &script{}
	st := started(t, Options{Judge: judge})
	for name, send := range waysIn(t, st, 1<<16) {
		judge.names = nil
		bad := export("shop", "a", "b", "c")
		spans := bad.ResourceSpans[0].ScopeSpans[0].Spans
		spans[0].SpanId = spans[0].SpanId[:4]
		spans[1].EndTimeUnixNano = 1
		res, err := send(t, bad)
		if p := res.GetPartialSuccess(); err != nil || p.GetRejectedSpans() != 2 || !strings.Contains(p.GetErrorMessage(), "span_id: 4 bytes") {
			t.Errorf("%s: %v, %v", name, res, err)
		}
		if !slices.Equal(judge.names, []string{"shop::c"}) {
			t.Errorf("%s: judged %q", name, judge.names)
		}
		_, err = send(t, export("shop", strings.Repeat("long", 1<<15)))
		if s := status.Convert(err); s.Code() != codes.ResourceExhausted && s.Code() != codes.InvalidArgument || len(s.Details()) > 0 {
			t.Errorf("%s: too large: %v, want a refusal without RetryInfo", name, err)
		}
	}
	if c := st.Counters(); c.Rejected != 18 || c.Spans != 9 {
		t.Errorf("%+v", c)
	}
}

func TestMalformed(t *testing.T) {
	judge := &script{}
	st := started(t, Options{Judge: judge})
	good := marshalled(t, export("shop", "a", "b"))
	cut := good[:len(good)-3]
	_, err := st.Export(t.Context(), cut)
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("cut message: %v", err)
	}
	web := httptest.NewServer(st.Handler(1 << 20))
	defer web.Close()
	for _, c := range []struct {
		kind, enc string
		body      []byte
		want      int
	}{
		{typeProto, "", cut, http.StatusBadRequest},
		{typeJSON, "", []byte(`{"resourceSpans": [`), http.StatusBadRequest},
		{typeJSON, "", []byte(`{"resourceSpans": 7}`), http.StatusBadRequest},
		{typeProto, "gzip", []byte("not gzip"), http.StatusBadRequest},
		{typeProto, "zstd", []byte("not zstd"), http.StatusBadRequest},
		{typeProto, "zstd", squeezed(t, "zstd", make([]byte, 2<<20)), http.StatusRequestEntityTooLarge}, // a bomb
		{typeProto, "gzip", squeezed(t, "gzip", make([]byte, 2<<20)), http.StatusRequestEntityTooLarge},
		{typeProto, "br", nil, http.StatusUnsupportedMediaType},
		{"text/plain", "", nil, http.StatusUnsupportedMediaType},
		{"", "", nil, http.StatusUnsupportedMediaType},
		{typeProto, "", nil, http.StatusOK}, // an empty export is one
		{typeJSON, "", []byte(`{"resourceSpans":[], "unknown": 1}`), http.StatusOK},
	} {
		res, _, err := post(t, web.URL+TracesPath, c.kind, c.enc, c.body)
		check(t, err)
		if res.StatusCode != c.want || res.Header.Get("Retry-After") != "" {
			t.Errorf("%s, %s, %.20q: %s, want %d", c.kind, c.enc, c.body, res.Status, c.want)
		}
	}
	if judge.seen() != 0 {
		t.Error("spans of a malformed export were judged")
	}
}

// A kept span that the walk could read and a decoder cannot is not given to
// subscribers; the one beside it is.
func TestUnreadable(t *testing.T) {
	judge, out := &script{}, &keeper{}
	st := started(t, Options{Judge: judge, Outputs: []Output{out}})
	msg := marshalled(t, export("shop", "slow", "slow"))
	at := bytes.Index(msg, []byte("http.route"))
	msg[at] = 0xff // the key of an attribute, which the walk steps over
	a, err := st.Export(t.Context(), msg)
	check(t, err)
	if c := st.Counters(); a.Spans != 2 || c.Sampled != 2 || c.Unreadable != 1 {
		t.Errorf("%+v, %+v", a, c)
	}
	var spans []*tracepb.Span
	for _, rs := range out.all(t).ResourceSpans {
		spans = append(spans, rs.ScopeSpans[0].Spans...)
	}
	if len(spans) != 1 {
		t.Errorf("%d spans, want the readable one", len(spans))
	}
}

func TestNeedsAJudge(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewStage(Options{})
}

// FuzzExport: whatever comes, the stage answers, counts each span once, and gives
// outputs only what a decoder can read.
func FuzzExport(f *testing.F) {
	f.Add(marshalled(f, export("shop", "a", "slow")))
	f.Add([]byte{0x0a, 0x00})
	f.Fuzz(func(t *testing.T, msg []byte) {
		judge, out := &script{}, &keeper{}
		judge.each = func(s *live.Span) { s.Operation = "slow" } // keep all
		st := NewStage(Options{Judge: judge, Outputs: []Output{out}})
		a, err := st.Export(context.Background(), msg)
		check(t, st.Drain(context.Background()))
		c := st.Counters()
		if err != nil && (judge.seen() != 0 || c.Malformed != 1) {
			t.Fatalf("%v, but %+v", err, c)
		}
		n := 0
		for _, rs := range out.all(t).ResourceSpans {
			for _, scope := range rs.ScopeSpans {
				n += len(scope.Spans)
			}
		}
		if int64(a.Spans) != c.Spans || c.Sampled != c.Spans || int64(n) != c.Sampled-c.Unreadable {
			t.Fatalf("answer %+v, counters %+v, %d spans out", a, c, n)
		}
	})
}

// A span costs no garbage: an export of many allocates as little as an export of one.
func TestDecodeAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	perExport := func(spans int) float64 {
		d, j := newDecoder(otlp.Options{}), &job{}
		msg := marshalled(t, export("shop", slices.Repeat([]string{"pay"}, spans)...))
		return testing.AllocsPerRun(20, func() {
			check(t, d.decode(j, msg))
			if len(j.items) != spans {
				t.Fatalf("%d items of %d spans", len(j.items), spans)
			}
			j.items = j.items[:0]
		})
	}
	if one, many := perExport(1), perExport(500); many > one {
		t.Errorf("%g allocations with 500 spans, %g with one", many, one)
	}
}
