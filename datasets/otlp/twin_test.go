package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

type decoder interface{ Decode(*trace.Span) error }

// decodeAll renders every span and every refused row, so that decoders can be
// compared. Rows are left out: they are lines for one, messages for the other.
func decodeAll(t testing.TB, d decoder) (out []string) {
	t.Helper()
	span := trace.Span{Service: "dirty", Kind: "dirty", Label: trace.Guard}
	for {
		err := d.Decode(&span)
		var row *trace.RowError
		switch {
		case err == nil:
			out = append(out, fmt.Sprintf("%+v", span))
		case errors.As(err, &row):
			out = append(out, "refused "+row.Field)
		case err == io.EOF:
			return out
		default:
			t.Fatal(err)
		}
	}
}

// converted is the slow, obvious twin of the file decoders: the reference
// implementations decode the whole message, the Converter does the rest.
func converted(opt Options, messages []*tracepb.TracesData) (out []string) {
	c := NewConverter("twin", opt)
	for _, td := range messages {
		for _, rs := range td.ResourceSpans {
			for s, bad := range c.Spans(rs) {
				if bad != nil {
					out = append(out, "refused "+bad.Field)
				} else {
					out = append(out, fmt.Sprintf("%+v", *s))
				}
			}
		}
	}
	return out
}

// difference is the first place where got is not want.
func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			return fmt.Sprintf("result %d of %d (want %d):\ngot  %q\nwant %q", i, len(got), len(want), got[min(i, len(got)):min(i+1, len(got))], want[min(i, len(want)):min(i+1, len(want))])
		}
	}
	return "none"
}

// messages starts with one that is not empty, from which the framing can be told.
func messages(seed uint64) (all []*tracepb.TracesData) {
	g := newGenerator(seed)
	all = append(all, &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{g.resourceSpans()}})
	for range 1 + g.IntN(4) {
		all = append(all, g.tracesData())
	}
	return all
}

var optionsUnderTest = []Options{{}, {ServiceAttr: "service_name"}, {ServiceAttr: "peer.service"}}

func TestProtoEqualsReferenceDecoder(t *testing.T) {
	for seed := range uint64(60) {
		all := messages(seed)
		opt := optionsUnderTest[seed%3]
		want := converted(opt, all)
		for framing, data := range framed(t, all) {
			d := NewProto(iotest.HalfReader(bytes.NewReader(data)), "f", opt)
			if got := decodeAll(t, d); !slices.Equal(got, want) {
				t.Fatalf("seed %d, %v: %s", seed, framing, difference(got, want))
			}
			if d.Framing() != framing {
				t.Fatalf("seed %d: framing %v, written with %v", seed, d.Framing(), framing)
			}
		}
	}
}

func framed(t testing.TB, all []*tracepb.TracesData) map[Framing][]byte {
	t.Helper()
	var bare, varint, fixed bytes.Buffer
	for _, td := range all {
		b, err := proto.Marshal(td)
		if err != nil {
			t.Fatal(err)
		}
		bare.Write(b)
		if _, err := protodelim.MarshalTo(&varint, td); err != nil {
			t.Fatal(err)
		}
		fixed.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		fixed.Write(b)
	}
	return map[Framing][]byte{Bare: bare.Bytes(), VarintDelimited: varint.Bytes(), Uint32Delimited: fixed.Bytes()}
}

// jsonForms are the dialects that are met in the wild, by name.
func jsonForms(t testing.TB, all []*tracepb.TracesData) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	add := func(name string, o protojson.MarshalOptions, change func([]byte) []byte) {
		var buf bytes.Buffer
		for _, td := range all {
			b, err := o.Marshal(td)
			if err != nil {
				t.Fatal(err)
			}
			buf.Write(change(b))
			buf.WriteByte('\n')
		}
		out[name] = buf.Bytes()
	}
	same := func(b []byte) []byte { return b }
	add("base64 ids", protojson.MarshalOptions{}, same)
	add("hex ids", protojson.MarshalOptions{}, hexIDs)
	add("pretty", protojson.MarshalOptions{Multiline: true, Indent: "    "}, hexIDs)
	add("snake_case", protojson.MarshalOptions{UseProtoNames: true}, same)
	add("enum and 64-bit numbers", protojson.MarshalOptions{UseEnumNumbers: true}, func(b []byte) []byte {
		return regexp.MustCompile(`("(?:start|end)TimeUnixNano":\s*)"(\d+)"`).ReplaceAll(b, []byte("$1$2"))
	})
	add("with defaults", protojson.MarshalOptions{EmitUnpopulated: true}, same)
	add("members sorted backwards", protojson.MarshalOptions{}, func(b []byte) []byte { return backwards(t, b) })
	return out
}

var idMember = regexp.MustCompile(`("(?:traceId|spanId|parentSpanId)":\s*)"([^"]*)"`)

func hexIDs(b []byte) []byte {
	return idMember.ReplaceAllFunc(b, func(m []byte) []byte {
		sub := idMember.FindSubmatch(m)
		id, err := base64.StdEncoding.DecodeString(string(sub[2]))
		if err != nil {
			panic(err)
		}
		return fmt.Appendf(nil, `%s"%s"`, sub[1], hex.EncodeToString(id))
	})
}

// backwards writes the members of every object in reverse alphabetical order, so
// that a resource stands behind its spans and a value before its key.
func backwards(t testing.TB, b []byte) []byte {
	t.Helper()
	var v any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var w strings.Builder
	writeBackwards(&w, v)
	return []byte(w.String())
}

func writeBackwards(w *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return strings.Compare(b, a) })
		w.WriteString("{")
		for i, k := range keys {
			if i > 0 {
				w.WriteString(",")
			}
			name, _ := json.Marshal(k)
			fmt.Fprintf(w, "%s : ", name)
			writeBackwards(w, v[k])
		}
		w.WriteString("}")
	case []any:
		w.WriteString("[")
		for i, e := range v {
			if i > 0 {
				w.WriteString(",")
			}
			writeBackwards(w, e)
		}
		w.WriteString("]")
	default:
		b, _ := json.Marshal(v)
		w.Write(b)
	}
}

func TestJSONEqualsReferenceDecoder(t *testing.T) {
	for seed := range uint64(60) {
		all := messages(seed)
		opt := optionsUnderTest[seed%3]
		want := converted(opt, all)
		for form, data := range jsonForms(t, all) {
			readers := map[string]io.Reader{
				"whole":       bytes.NewReader(data),
				"in bits":     iotest.OneByteReader(bytes.NewReader(data)),
				"data at EOF": iotest.DataErrReader(bytes.NewReader(data)),
			}
			for how, r := range readers {
				if got := decodeAll(t, NewJSON(r, "f", opt)); !slices.Equal(got, want) {
					t.Fatalf("seed %d, %s, %s: %s\nin %s", seed, form, how, difference(got, want), data)
				}
			}
		}
	}
}
