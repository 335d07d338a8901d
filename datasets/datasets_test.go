package datasets

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// sliceDecoder replays spans and row errors.
type sliceDecoder struct {
	items []any // trace.Span or error
}

func (d *sliceDecoder) Decode(s *trace.Span) error {
	if len(d.items) == 0 {
		return io.EOF
	}
	item := d.items[0]
	d.items = d.items[1:]
	if err, ok := item.(error); ok {
		return err
	}
	*s = item.(trace.Span)
	return nil
}

// randomSpans are spans with every kind of value a column can have: roots, empty
// names, all labels, names that come late.
func randomSpans(n int, seed uint64) []trace.Span {
	rng := rand.New(rand.NewPCG(seed, 1))
	spans := make([]trace.Span, n)
	for i := range spans {
		s := trace.Span{
			TraceID:   trace.TraceID{Hi: rng.Uint64(), Lo: rng.Uint64()},
			ID:        trace.SpanID(rng.Uint64() | 1),
			Service:   fmt.Sprintf("svc-%d", rng.IntN(8)),
			Operation: fmt.Sprintf("op %d", rng.IntN(2+i/100)),
			Start:     int64(rng.Uint64N(1 << 62)),
			Duration:  int64(rng.Uint64N(1 << 40)),
			Label:     trace.Label(rng.IntN(6)),
		}
		if rng.IntN(3) > 0 {
			s.ParentID = trace.SpanID(rng.Uint64() | 1)
		}
		if rng.IntN(10) == 0 {
			s.Service, s.Operation = "", "naïve · 操作"
		}
		if s.Label > trace.Normal {
			s.Kind = fmt.Sprintf("kind-%d", rng.IntN(3))
		}
		spans[i] = s
	}
	return spans
}

func decoderOf(spans []trace.Span) *sliceDecoder {
	d := &sliceDecoder{}
	for _, s := range spans {
		d.items = append(d.items, s)
	}
	return d
}

// collect reads all spans; Call is checked against the table and then cleared.
func collect(t testing.TB, r Reader) []trace.Span {
	t.Helper()
	calls := trace.NewCalls(trace.DefaultMaxCalls, nil)
	var got []trace.Span
	for s, err := range Spans(r, calls) {
		if err != nil {
			t.Fatal(err)
		}
		if calls.Service(s.Call) != s.Service || calls.Operation(s.Call) != s.Operation {
			t.Fatalf("span %d: call %q is not %s::%s", len(got), calls.Name(s.Call), s.Service, s.Operation)
		}
		c := *s
		c.Call = 0
		got = append(got, c)
	}
	return got
}

func writeParquet(t testing.TB, spans []trace.Span) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := NewParquetWriter(&buf, map[string]string{"source": "test"})
	for i := range spans {
		if err := w.Write(&spans[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func openParquet(t testing.TB, file []byte, want Columns) *ParquetReader {
	t.Helper()
	r, err := NewParquetReader(bytes.NewReader(file), int64(len(file)), nil, "mem.parquet", want, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReaderKeepsEverySpan(t *testing.T) {
	spans := randomSpans(3000, 1)
	got := collect(t, NewReader(decoderOf(spans), nil, "x", Options{BatchRows: 700}))
	if !reflect.DeepEqual(got, spans) {
		t.Fatal("spans changed on the way through Arrow")
	}
}

func TestParquetRoundTrip(t *testing.T) {
	// Two row groups' worth would need 1 M rows; a small one with odd page
	// boundaries comes from the batch sizes instead.
	for _, n := range []int{0, 1, parquetBatch, 5000, BatchRows + 17} {
		spans := randomSpans(n, uint64(n))
		got := collect(t, openParquet(t, writeParquet(t, spans), 0))
		if len(got) != n || n > 0 && !reflect.DeepEqual(got, spans) {
			t.Errorf("%d spans changed on the way through Parquet", n)
		}
	}
}

func TestParquetReadsOnlyWhatIsAsked(t *testing.T) {
	spans := randomSpans(500, 3)
	got := collect(t, openParquet(t, writeParquet(t, spans), ColumnsOf(ColService, ColOperation, ColDuration)))
	for i, s := range got {
		want := trace.Span{Service: spans[i].Service, Operation: spans[i].Operation, Duration: spans[i].Duration}
		if s != want {
			t.Fatalf("span %d: got %+v, want %+v", i, s, want)
		}
	}
}

// TestParquetForeignWriter reads a file whose writer used plain strings, no
// label columns and another column order.
func TestParquetForeignWriter(t *testing.T) {
	type foreign struct {
		Duration  int64  `parquet:"duration"`
		Extra     string `parquet:"extra"`
		Operation string `parquet:"operation,optional"`
		Service   string `parquet:"service"`
		Start     int64  `parquet:"start,timestamp(nanosecond)"`
	}
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[foreign](&buf)
	rows := []foreign{{7, "e", "get", "a", 11}, {8, "e", "", "b", 12}, {-1, "e", "get", "a", 13}, {9, "e", "put", "a", 14}}
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := openParquet(t, buf.Bytes(), 0)
	got := collect(t, r)
	want := []trace.Span{{Service: "a", Operation: "get", Duration: 7, Start: 11}, {Service: "a", Operation: "put", Duration: 9, Start: 14}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if r.Bad().Total != 2 || r.Bad().First[0].Row != 2 || r.Bad().First[0].Field != "operation" || r.Bad().First[1].Row != 3 {
		t.Fatalf("bad rows: %+v", r.Bad().First)
	}
}

func TestParquetRefusesOtherSchemas(t *testing.T) {
	type wrongUnit struct {
		Service   string `parquet:"service"`
		Operation string `parquet:"operation"`
		Start     int64  `parquet:"start,timestamp(microsecond)"`
		Duration  int64  `parquet:"duration"`
	}
	type missing struct {
		Service string `parquet:"service"`
	}
	for want, file := range map[string][]byte{
		"nanoseconds":               foreignFile(t, wrongUnit{}),
		`no column "operation"`:     foreignFile(t, missing{"a"}),
		"not a readable Parquet":    []byte("PAR1 but not really"),
		"not a readable Parquet fi": nil,
	} {
		_, err := NewParquetReader(bytes.NewReader(file), int64(len(file)), nil, "f.parquet", 0, false)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "f.parquet") {
			t.Errorf("got %v, want an error with the file and %q", err, want)
		}
	}
}

func foreignFile[T any](t *testing.T, row T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[T](&buf)
	if _, err := w.Write([]T{row}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestReaderTalliesBadRows(t *testing.T) {
	good := trace.Span{TraceID: trace.TraceID{Lo: 1}, ID: 2, Duration: 5}
	negative := trace.Span{TraceID: trace.TraceID{Lo: 1}, ID: 3, Duration: -5}
	items := []any{good, &trace.RowError{File: "f", Row: 2, Field: "start", Msg: "text"}, negative, good}

	r := NewReader(&sliceDecoder{items: items}, nil, "f", Options{DropDuplicates: true})
	if got := collect(t, r); len(got) != 1 {
		t.Fatalf("%d spans, want 1", len(got))
	}
	var fields []string
	for _, f := range r.Bad().ByField() {
		fields = append(fields, fmt.Sprint(f.Field, " ", f.Count))
	}
	if want := []string{"duration 1", "span_id 1", "start 1"}; !reflect.DeepEqual(fields, want) {
		t.Fatalf("bad %v, want %v", fields, want)
	}

	strict := NewReader(&sliceDecoder{items: items}, nil, "f", Options{Strict: true})
	if _, err := strict.Next(); err == nil || !strings.Contains(err.Error(), "f:2: start") {
		t.Fatalf("strict: %v, want the position of the first bad row", err)
	}
}

func TestReaderEndsOnBrokenStream(t *testing.T) {
	broken := io.ErrUnexpectedEOF
	r := NewReader(&sliceDecoder{items: []any{trace.Span{ID: 1}, broken}}, nil, "f", Options{BatchRows: 1})
	n := 0
	var last error
	for _, err := range Spans(r, trace.NewCalls(1, nil)) {
		last = err
		n++
	}
	if n != 2 || last != broken {
		t.Fatalf("%d pairs, last error %v: want one span, then the error", n, last)
	}
}

func TestIDSet(t *testing.T) {
	var s idSet
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[uint64]bool{}
	for range 20_000 {
		h := 2 + rng.Uint64N(30_000) // 0 and 1 share a slot by design
		if s.add(h) == seen[h] {
			t.Fatalf("add(%d) disagrees with the map", h)
		}
		seen[h] = true
	}
}

func FuzzParquet(f *testing.F) {
	file := writeParquet(f, randomSpans(12, 9))
	f.Add(file)
	f.Add(file[:len(file)/2])
	for _, i := range []int{len(file) / 3, len(file) - 40, len(file) - 9} {
		flipped := bytes.Clone(file)
		flipped[i] ^= 0x55
		f.Add(flipped)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewParquetReader(bytes.NewReader(file), int64(len(file)), nil, "f", 0, false)
		if err != nil {
			return
		}
		for s, err := range Spans(r, trace.NewCalls(10, nil)) {
			if err == nil && s.Duration < 0 {
				t.Fatal("a negative duration came through")
			}
		}
	})
}

func BenchmarkParquetRead(b *testing.B) {
	file := writeParquet(b, randomSpans(ParquetRowGroup, 1))
	for name, want := range map[string]Columns{
		"all":     0,
		"sampler": ColumnsOf(ColService, ColOperation, ColDuration, ColLabel),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for _, err := range Spans(openParquet(b, file, want), trace.NewCalls(trace.DefaultMaxCalls, nil)) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != ParquetRowGroup {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/ParquetRowGroup, "ns/span")
		})
	}
}

func BenchmarkSpans(b *testing.B) {
	builder := NewReader(decoderOf(randomSpans(BatchRows, 1)), nil, "x", Options{})
	rec, err := builder.Next()
	if err != nil {
		b.Fatal(err)
	}
	calls := trace.NewCalls(trace.DefaultMaxCalls, nil)
	for b.Loop() {
		rec.Retain()
		r := newRows(rec)
		r.calls = calls
		r.each(func(*trace.Span, error) bool { return true })
		r.release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/BatchRows, "ns/span")
}

// TestParquetTimestampUnadjusted: DuckDB reads a timestamp that is flagged as adjusted
// to UTC with microseconds only (its TIMESTAMP WITH TIME ZONE).
func TestParquetTimestampUnadjusted(t *testing.T) {
	var buf bytes.Buffer
	if err := NewParquetWriter(&buf, nil).Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	start, _ := f.Schema().Lookup("start")
	ts := start.Node.Type().LogicalType().Value.(*format.TimestampType)
	if _, ns := ts.Unit.Value.(*format.NanoSeconds); !ns || ts.IsAdjustedToUTC {
		t.Errorf("start is %v, want nanoseconds, not flagged as adjusted to UTC", start.Node)
	}
}
