package tracemesh

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

var _ datasets.Decoder = (*Decoder)(nil)

// drain decodes everything: the spans, and the text of each bad row.
func drain(t testing.TB, d *Decoder) (spans []trace.Span, bad []string, err error) {
	t.Helper()
	var s trace.Span
	for {
		s = trace.Span{Service: "dirty", Kind: "dirty", Label: trace.Guard, ParentID: 99}
		err := d.Decode(&s)
		var row *trace.RowError
		switch {
		case err == io.EOF:
			return spans, bad, d.Close()
		case errors.As(err, &row):
			bad = append(bad, row.Error())
		case err != nil:
			return spans, bad, errors.Join(err, d.Close())
		default:
			spans = append(spans, s)
		}
	}
}

// read decodes one stream that must have a header.
func read(t testing.TB, text string, opt Options) ([]trace.Span, []string, *Decoder) {
	t.Helper()
	d, err := New("f.csv", strings.NewReader(text), opt)
	if err != nil {
		t.Fatal(err)
	}
	spans, bad, err := drain(t, d)
	if err != nil {
		t.Fatal(err)
	}
	return spans, bad, d
}

const header = "TraceID,SpanID,ParentID,OperationName,StartTimeUnixNano,Duration\n"

func TestRow(t *testing.T) {
	spans, bad, d := read(t, "Duration,Extra,SpanID,TraceID,ParentID,StartTimeUnixNano,OperationName\r\n"+
		"5000.589,x,032a34f2e0272b90,ed02334a205de5e4,root,1730783632710019000,\"a,b\"\r\n"+
		"1e-05,,A,000102030405060708090a0b0c0d0e0f,032a34f2e0272b90,1,GET\n", Options{})
	want := []trace.Span{
		{TraceID: trace.TraceID{Lo: 0xed02334a205de5e4}, ID: 0x032a34f2e0272b90, Operation: "a,b", Start: 1730783632710019000, Duration: 5_000_589_000},
		{TraceID: trace.TraceID{Hi: 0x0001020304050607, Lo: 0x08090a0b0c0d0e0f}, ID: 10, ParentID: 0x032a34f2e0272b90, Operation: "GET", Start: 1, Duration: 10},
	}
	if !reflect.DeepEqual(spans, want) || len(bad) > 0 || d.Unit() != Milliseconds || d.Hashed() != 0 {
		t.Errorf("got %+v, bad %q, unit %v\nwant %+v", spans, bad, d.Unit(), want)
	}
}

func TestUnits(t *testing.T) {
	row := func(duration string) string { return "1,2,root,op,0," + duration + "\n" }
	for _, c := range []struct {
		text   string
		opt    Unit
		first  int64
		unit   Unit
		badRow string
	}{
		{row("1500"), Auto, 1_500_000, Microseconds, ""},
		{row("1500") + row("2.5"), Auto, 1500e6, Milliseconds, ""},
		{row("text") + row("NaN") + row("7"), Auto, 7000, Microseconds, `f.csv:2: Duration: "text": not a number, want a duration in `},
		{row("1500"), Milliseconds, 1500e6, Milliseconds, ""},
		{row("1500.4"), Microseconds, 1_500_400, Microseconds, ""},
		{row("1500"), Nanoseconds, 1500, Nanoseconds, ""},
		{strings.Repeat(row("1500"), 20_000) + row("2.5"), Auto, 1_500_000, Microseconds, `f.csv:20002: Duration: "2.5": a fraction in a file`},
	} {
		spans, bad, d := read(t, header+c.text, Options{Unit: c.opt})
		if len(spans) == 0 || spans[0].Duration != c.first || d.Unit() != c.unit {
			t.Errorf("%.20q as %v: %d spans, unit %v", c.text, c.opt, len(spans), d.Unit())
		}
		if c.badRow != "" && (len(bad) == 0 || !strings.HasPrefix(bad[0], c.badRow)) || c.badRow == "" && len(bad) > 0 {
			t.Errorf("%.20q as %v: bad %q", c.text, c.opt, bad)
		}
	}
	for u := Auto; u <= Nanoseconds; u++ {
		if back, err := ParseUnit(u.String()); back != u || err != nil {
			t.Errorf("ParseUnit(%v): %v %v", u, back, err)
		}
	}
	if _, err := ParseUnit("s"); err == nil {
		t.Error("ParseUnit takes s")
	}
}

func TestIDsThatAreNotHex(t *testing.T) {
	hash := func(s string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(s))
		return h.Sum64()
	}
	spans, bad, d := read(t, header+"trace-1,span-1,root,op,0,1\ntrace-1,12345678901234567890,span-1,op,0,1\n", Options{})
	want := []trace.Span{
		{TraceID: trace.TraceID{Lo: hash("trace-1")}, ID: trace.SpanID(hash("span-1"))},
		{TraceID: trace.TraceID{Lo: hash("trace-1")}, ID: trace.SpanID(hash("12345678901234567890")), ParentID: trace.SpanID(hash("span-1"))},
	}
	for i, s := range spans {
		if s.TraceID != want[i].TraceID || s.ID != want[i].ID || s.ParentID != want[i].ParentID {
			t.Errorf("span %d: %+v", i, s)
		}
	}
	if len(spans) != 2 || len(bad) > 0 || d.Hashed() != 5 {
		t.Errorf("%d spans, bad %q, %d hashed", len(spans), bad, d.Hashed())
	}
}

// layout writes a folder like OpsPAI's, with test.csv inside test.tar.gz.
func layout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	test := header + "00000000000000aa,1,root,op,0,10\n00000000000000bb,2,root,op,0,10\n00000000000000aa,3,1,op,0,10\n"
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "test.csv", Typeflag: tar.TypeReg, Size: int64(len(test)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, test); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	write("test.tar.gz", b.Bytes())
	write("train.csv", []byte(header+"00000000000000aa,9,root,op,0,10\n1,8,root,op,0,10\n"))
	write("test_label.txt", []byte("00000000000000AA\r\n\nnot hex\n00000000000000cc\n"))
	write("README.md", []byte("not a data file"))
	return dir
}

func TestLayout(t *testing.T) {
	d, err := Open(layout(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	spans, bad, err := drain(t, d)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, s := range spans {
		fmt.Fprintf(&got, "%d:%s:%s ", s.ID, s.Label, s.Kind)
	}
	if want := "9:: 8:: 1:anomalous:uncommon trace 2:normal: 3:anomalous:uncommon trace "; got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
	if len(bad) != 1 || !strings.Contains(bad[0], `test_label.txt:3: label: "not hex": want a trace id`) {
		t.Errorf("bad %q", bad)
	}
	if n, final := d.TrainSpans(); n != 2 || !final {
		t.Errorf("train spans %d %v", n, final)
	}
	if listed, met := d.LabelledTraces(); listed != 2 || met != 1 {
		t.Errorf("labelled traces: %d listed, %d met", listed, met)
	}
}

func TestNotALayout(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "no CSV file in it") {
		t.Errorf("empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "train.csv"), []byte(header), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "test_label.txt"), []byte(strings.Repeat("zz\n", 2000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "more than 1000 lines are no trace ids") {
		t.Errorf("not a label file: %v", err)
	}
}

func TestGarbage(t *testing.T) {
	good := "1,2,root,op,0,1.5\n"
	for _, c := range []struct{ row, want string }{
		{",2,root,op,0,1.5", `f.csv:2: TraceID: "": want`},
		{"1,,root,op,0,1.5", `f.csv:2: SpanID: "": want`},
		{"1,2,,op,0,1.5", `f.csv:2: ParentID: "": want an id, or "root"`},
		{"1,2,root,op,soon,1.5", `f.csv:2: StartTimeUnixNano: "soon": not a number, want integer ns`},
		{"1,2,root,op,9223372036854775808,1.5", `f.csv:2: StartTimeUnixNano: "9223372036854775808": number out of range`},
		{"1,2,root,op,0,fast", `f.csv:2: Duration: "fast": not a number, want a duration in ms`},
		{"1,2,root,op,0,NaN", `f.csv:2: Duration: "NaN": not a number`},
		{"1,2,root,op,0,inf", `f.csv:2: Duration: "inf": not a number`},
		{"1,2,root,op,0,-1.5", `f.csv:2: Duration: "-1.5": negative`},
		{"1,2,root,op,0,1e20", `f.csv:2: Duration: "1e20": number out of range`},
		{"1,2,root,\xc3(,0,1.5", `f.csv:2: OperationName: "\xc3(" is not valid UTF-8`},
		{"1,2,root", `f.csv:2: 3 fields, the header has 6`},
	} {
		spans, bad, _ := read(t, header+c.row+"\n"+good, Options{})
		if len(spans) != 1 || len(bad) != 1 || !strings.HasPrefix(bad[0], c.want) {
			t.Errorf("%.60q: %d spans, bad %q", c.row, len(spans), bad)
		}
	}
	for text, want := range map[string]string{
		"":           "f.csv: empty: want a CSV header with the columns TraceID,",
		"a,b\n1,2\n": "f.csv:1: header lacks TraceID,",
		"\x00\xff":   "f.csv:1: ",
	} {
		if _, err := New("f.csv", strings.NewReader(text), Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTruncatedGzipEndsTheStream(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, header)
	for i := range 50_000 {
		fmt.Fprintf(w, "%x,%x,root,op,0,1\n", i, i*7919)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.csv.gz")
	if err := os.WriteFile(path, b.Bytes()[:b.Len()/2], 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := datasets.NewReader(d, d, path, datasets.Options{BatchRows: 1000})
	n := int64(0)
	for {
		rec, err := r.Next()
		if err != nil {
			if !strings.Contains(err.Error(), "cut.csv.gz: unexpected EOF: the file ends too early") || !strings.Contains(err.Error(), "after row ") {
				t.Errorf("after %d rows: %v", n, err)
			}
			break
		}
		n += rec.NumRows()
		rec.Release()
	}
	if n == 0 || r.Bad().Total != 0 || r.Close() != nil {
		t.Errorf("%d rows before the end, %d bad", n, r.Bad().Total)
	}
}

// sevens is an endless stream of the digit 7.
type sevens struct{}

var seven = bytes.Repeat([]byte("7"), 64<<10)

func (sevens) Read(p []byte) (int, error) { return copy(p, seven), nil }

// TestGigabyteLine reads a row of 1 GiB between two good ones in bounded memory.
func TestGigabyteLine(t *testing.T) {
	const row = "1,2,root,op,0,1.5\n"
	d, err := New("f.csv", io.MultiReader(strings.NewReader(header+row), io.LimitReader(sevens{}, 1<<30), strings.NewReader("\n"+row)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	spans, bad, err := drain(t, d)
	runtime.ReadMemStats(&after)
	if err != nil || len(spans) != 2 || len(bad) != 1 || !strings.HasPrefix(bad[0], "f.csv:3: line of 1073741824 bytes, at most 16777216 are read") {
		t.Errorf("%d spans, bad %q, err %v", len(spans), bad, err)
	}
	if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 96 {
		t.Errorf("allocated %d MiB", grown)
	}
}
