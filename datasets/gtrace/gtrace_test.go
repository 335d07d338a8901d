package gtrace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

var _ datasets.Decoder = (*Decoder)(nil)

// drain decodes everything: the spans, and the text of each bad row.
func drain(t testing.TB, d *Decoder) (spans []trace.Span, bad []string, err error) {
	t.Helper()
	var s trace.Span
	for {
		s.Kind, s.Label = "dirty", trace.Guard
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

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func openAll(t *testing.T, path string, opt Options) ([]trace.Span, *Decoder) {
	t.Helper()
	d, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	spans, bad, err := drain(t, d)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	return spans, d
}

const header = "traceIdHigh,traceIdLow,spanId,parentSpanId,serviceName,operationName,status,startTime,nanosecond,duration,DBhash\n"

func TestRow(t *testing.T) {
	// 2022-05-02 18:10:09 UTC is 1651515009 by date -u -d.
	text := "duration,traceIdLow,traceIdHigh,parentSpanId,spanId,startTime,nanosecond,operationName,serviceName,extra\n" +
		"4188,7,-1,0,-1990250972,2022-05-02 18:10:09,102000000,\"op,1\",svc,\n" +
		"0.5000005,7,18446744073709551615,-1990250972,2,2022-05-02 18:10:09,0,GET,svc,x\n"
	want := []trace.Span{
		{TraceID: trace.TraceID{Hi: 1<<64 - 1, Lo: 7}, ID: 0xffffffff895f2e24, Service: "svc", Operation: "op,1", Start: 1651515009_102000000, Duration: 4188e6},
		{TraceID: trace.TraceID{Hi: 1<<64 - 1, Lo: 7}, ID: 2, ParentID: 0xffffffff895f2e24, Service: "svc", Operation: "GET", Start: 1651515009_000000000, Duration: 500_000},
	}
	d, err := New("x.csv", strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	spans, bad, err := drain(t, d)
	if err != nil || len(bad) > 0 || !reflect.DeepEqual(spans, want) {
		t.Errorf("got %+v %v %v\nwant %+v", spans, bad, err, want)
	}
	shanghai := time.FixedZone("CST", 8*3600)
	if d, err = New("x.csv", strings.NewReader(text), Options{Location: shanghai}); err != nil {
		t.Fatal(err)
	}
	if spans, _, _ = drain(t, d); spans[1].Start != 1651515009e9-8*3600e9 {
		t.Errorf("start in UTC+8: %d", spans[1].Start)
	}
}

func TestFolderWithIDMaps(t *testing.T) {
	row := func(id int, service, op, db string) string {
		return fmt.Sprintf("1,1,%d,0,%s,%s,0,2022-05-02 18:10:09,0,1,%s\n", id, service, op, db)
	}
	dir := t.TempDir()
	write(t, dir, "id_manager/service_id.yml", "? ''\n: 0\n'a/b': 1\nshop: 2\n")
	write(t, dir, "id_manager/operation_id.yml", "a/b/get: 10\nshop/put/x: 11\nlone: 12\n")
	write(t, dir, "id_manager/latency_range.yml", "1:\n  mean: 1.0\n")
	write(t, dir, "raw/2.csv", header+row(3, "2", "12", "0")+row(4, "2", "99", "0")+row(5, "plain", "GET /", "0"))
	write(t, dir, "raw/1.csv", header+row(1, "1", "10", "0")+row(9, "1", "10", "77")+row(9, "1", "10", "-3.0")+row(2, "2", "11", "0"))
	want := "1 a/b get; 2 shop put/x; 3 shop lone; 4 shop 99; 5 plain GET /; "
	for _, path := range []string{dir, filepath.Join(dir, "raw")} {
		spans, d := openAll(t, path, Options{})
		var got strings.Builder
		for _, s := range spans {
			fmt.Fprintf(&got, "%d %s %s; ", s.ID, s.Service, s.Operation)
		}
		if got.String() != want {
			t.Errorf("got  %s\nwant %s", got.String(), want)
		}
		if s := d.Stats(); s != (Stats{Spans: 5, DBRows: 2, UnknownIDs: 1}) {
			t.Errorf("%+v", s)
		}
	}
	if spans, _ := openAll(t, filepath.Join(dir, "raw", "1.csv"), Options{}); spans[0].Operation != "get" {
		t.Errorf("id maps above a single file: %+v", spans[0])
	}
	write(t, dir, "id_manager/service_id.yml", "a: 1\nb: 1\n")
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), `service_id.yml: "a" and "b" have the same number 1`) {
		t.Errorf("ambiguous map: %v", err)
	}
	write(t, dir, "id_manager/service_id.yml", "- a\n")
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "want a map from name to number") {
		t.Errorf("list as map: %v", err)
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "no CSV file in it") {
		t.Errorf("empty folder: %v", err)
	}
}

func TestLabels(t *testing.T) {
	labelled := strings.TrimSuffix(header, "\n") + ",nodeLatencyLabel,graphLatencyLabel,graphStructureLabel\n"
	row := "1,1,1,0,s,o,0,2022-05-02 18:10:09,0,1,0,"
	dir := t.TempDir()
	write(t, dir, "test.csv", labelled+row+"0,1,0\n"+row+"1,0,2.0\n"+row+",,\n")
	write(t, dir, "train.csv", header+strings.TrimSuffix(row, ",")+"\n")
	write(t, dir, "val.csv", header)
	for label, want := range map[Label]string{
		NodeLatency:    " normal anomalous/latency ",
		GraphLatency:   " anomalous/graph latency normal ",
		GraphStructure: " normal anomalous/graph structure ",
	} {
		spans, d := openAll(t, dir, Options{Label: label})
		var got []string
		for _, s := range spans {
			got = append(got, strings.TrimSuffix(s.Label.String()+"/"+s.Kind, "/"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v: %q, want %q", label, got, want)
		}
		if n, final := d.TrainSpans(); n != 1 || !final {
			t.Errorf("train spans %d %v", n, final)
		}
		if back, err := ParseLabel(label.String()); back != label || err != nil {
			t.Errorf("ParseLabel(%v): %v %v", label, back, err)
		}
	}
	if _, err := ParseLabel("x"); err == nil {
		t.Error("ParseLabel takes x")
	}
}

func TestGarbage(t *testing.T) {
	good := "1,1,1,0,s,o,0,2022-05-02 18:10:09,0,1,0\n"
	for _, c := range []struct{ row, want string }{
		{"x,1,1,0,s,o,0,2022-05-02 18:10:09,0,1,0", `f.csv:2: traceIdHigh: "x": not a number, want a decimal 64-bit id`},
		{"1,99999999999999999999,1,0,s,o,0,2022-05-02 18:10:09,0,1,0", `f.csv:2: traceIdLow: "99999999999999999999": number out of range`},
		{"1,1,,0,s,o,0,2022-05-02 18:10:09,0,1,0", `f.csv:2: spanId: "": not a number`},
		{"1,1,1,root,s,o,0,2022-05-02 18:10:09,0,1,0", `f.csv:2: parentSpanId: "root": not a number, want a decimal 64-bit id, 0 for a root`},
		{"1,1,1,0,s,o,0,2022-02-30 18:10:09,0,1,0", `f.csv:2: startTime: "2022-02-30 18:10:09": want YYYY-MM-DD HH:MM:SS`},
		{"1,1,1,0,s,o,0,1500-01-01 00:00:00,0,1,0", `f.csv:2: startTime: "1500-01-01 00:00:00": want`},
		{"1,1,1,0,s,o,0,1651515009,0,1,0", `f.csv:2: startTime: "1651515009": want`},
		{"1,1,1,0,s,o,0,2022-05-02 18:10:09,1000000000,1,0", `f.csv:2: nanosecond: "1000000000": want 0 to 999999999`},
		{"1,1,1,0,s,o,0,2022-05-02 18:10:09,0,-0.5,0", `f.csv:2: duration: "-0.5": negative`},
		{"1,1,1,0,s,o,0,2022-05-02 18:10:09,0,NaN,0", `f.csv:2: duration: "NaN": not a number, want ms`},
		{"1,1,1,0,s,o,0,2022-05-02 18:10:09,0,1e30,0", `f.csv:2: duration: "1e30": number out of range`},
		{"1,1,1,0,s,o,0,2022-05-02 18:10:09,0,1,x", `f.csv:2: DBhash: "x": not a number`},
		{"1,1,1,0,\xff,o,0,2022-05-02 18:10:09,0,1,0", `f.csv:2: serviceName: "\xff" is not valid UTF-8`},
		{"1,1,1", `f.csv:2: 3 fields, the header has 11`},
	} {
		d, err := New("f.csv", strings.NewReader(header+c.row+"\n"+good), Options{})
		if err != nil {
			t.Fatal(err)
		}
		spans, bad, err := drain(t, d)
		if err != nil || len(spans) != 1 || len(bad) != 1 || !strings.HasPrefix(bad[0], c.want) {
			t.Errorf("%.60q: %d spans, bad %q, err %v", c.row, len(spans), bad, err)
		}
	}
	if _, err := New("f.csv", strings.NewReader("a,b\n1,2\n"), Options{}); err == nil || !strings.Contains(err.Error(), "f.csv:1: header lacks traceIdHigh,") {
		t.Errorf("wrong header: %v", err)
	}
	if _, err := New("f.csv", strings.NewReader(""), Options{}); err == nil || !strings.Contains(err.Error(), "f.csv: empty") {
		t.Errorf("empty file: %v", err)
	}
}

func TestTruncatedGzipEndsTheStream(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, header)
	for i := range 20_000 {
		fmt.Fprintf(w, "1,1,%d,0,s,o,0,2022-05-02 18:10:09,0,1,0\n", i*7919)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := write(t, t.TempDir(), "cut.csv.gz", b.String()[:b.Len()/2])
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	spans, bad, err := drain(t, d)
	if err == nil || !strings.Contains(err.Error(), "cut.csv.gz: unexpected EOF: the file ends too early") || len(bad) > 0 {
		t.Errorf("%d spans, bad %q, err %v", len(spans), bad, err)
	}
}

// sevens is an endless stream of the digit 7.
type sevens struct{}

var seven = bytes.Repeat([]byte("7"), 64<<10)

func (sevens) Read(p []byte) (int, error) { return copy(p, seven), nil }

// TestGigabyteLine reads a row of 1 GiB between two good ones in bounded memory.
func TestGigabyteLine(t *testing.T) {
	const row = "1,1,1,0,s,o,0,2022-05-02 18:10:09,0,1,0\n"
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
