package nezha_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/nezha"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

const header = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"

// row is a line of a trace file with a valid Duration.
func row(traceID, id int, parent, pod, operation string, start, end int64) string {
	return fmt.Sprintf("%032x,%016x,%s,%s,%s,%d,%d,%d\n", traceID, id, parent, pod, operation, start, end, (end-start)/1000)
}

// archive is a tar of name, text pairs as an input.
func archive(t testing.TB, pairs ...string) *input.Files {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: pairs[i], Typeflag: tar.TypeReg, Size: int64(len(pairs[i+1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return input.FromReader("day.tar", &b)
}

// drain decodes to the end.
func drain(d datasets.Decoder) (spans []trace.Span, bad []string, err error) {
	for {
		s := trace.Span{Kind: "dirty", ParentID: 9, Label: trace.Guard}
		err := d.Decode(&s)
		var row *trace.RowError
		switch {
		case err == nil:
			spans = append(spans, s)
		case errors.As(err, &row):
			bad = append(bad, row.Error())
		case err == io.EOF:
			return spans, bad, nil
		default:
			return spans, bad, err
		}
	}
}

const (
	frontend = "frontend-579b9bff58-t2dbm"
	cart     = "cart-service-579f59597d-wc2lz"
)

// TestDay is a hand-written day: two minutes that share a span, out of order, a
// construction minute, other files, and a fault list with two different times.
func TestDay(t *testing.T) {
	d := nezha.NewDecoder(archive(t,
		"nezha/rca_data/2022-08-22/log/03_53_log.csv", "not,a,trace\n",
		"nezha/rca_data/2022-08-22/trace/03_54_trace.csv", header+
			row(2, 1, "root", frontend, "Recv.", 3000, 9000)+
			row(1, 2, "0000000000000001", frontend, "Cart/Get", 2000, 7500),
		"nezha/rca_data/2022-08-22/2022-08-22-fault_list.json", `{"04": [
			{"inject_time": "2022-08-22 04:27:03", "inject_timestamp": "1661142423", "inject_pod": "`+cart+`", "inject_type": "network_delay"}],
			"03": [{"inject_time": "2022-08-22 03:53:54", "inject_timestamp": 1661140374, "inject_pod": "`+frontend+`", "inject_type": "cpu_contention"}]}`,
		"nezha/rca_data/2022-08-22/trace/03_53_trace.csv", header+
			row(1, 3, "0000000000000002", cart, "Recv.", 2500, 7500)+
			row(1, 2, "0000000000000001", frontend, "Cart/Get", 2000, 7500)+
			row(1, 1, "root", frontend, "Recv.", 1000, 8999),
		"nezha/construct_data/2022-08-22/trace/02_00_trace.csv", header+
			row(7, 1, "root", frontend, "Recv.", 0, 5),
	), nezha.Options{})
	spans, bad, err := drain(d)
	if err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	one, two := trace.TraceID{Lo: 1}, trace.TraceID{Lo: 2}
	want := []trace.Span{
		{TraceID: one, ID: 2, ParentID: 1, Service: "frontend", Operation: "Cart/Get", Start: 2000, Duration: 5500},
		{TraceID: one, ID: 3, ParentID: 2, Service: "cart-service", Operation: "Recv.", Start: 2500, Duration: 5000},
		{TraceID: one, ID: 1, Service: "frontend", Operation: "Recv.", Start: 1000, Duration: 7999},
		{TraceID: two, ID: 1, Service: "frontend", Operation: "Recv.", Start: 3000, Duration: 6000},
	}
	if !slices.Equal(spans, want) {
		t.Errorf("spans\n%+v, want\n%+v", spans, want)
	}
	if d.Duplicates() != 1 {
		t.Errorf("%d duplicates", d.Duplicates())
	}
	faults := []nezha.Fault{
		{Type: "cpu_contention", Pod: frontend, Service: "frontend", At: 1661140374e9, Row: 2},
		{Type: "network_delay", Pod: cart, Service: "cart-service", At: 1661142423e9, Row: 1},
	}
	if !slices.Equal(d.Faults(), faults) {
		t.Errorf("faults %+v", d.Faults())
	}
	warnings := []string{
		"day.tar:nezha/rca_data/2022-08-22/2022-08-22-fault_list.json:2: inject_time 2022-08-22 03:53:54 is +60 s from inject_timestamp 1661140374 (2022-08-22 03:52:54), which is used",
		"1 spans of construct_data are part of the fault-free reference of labels and not of the stream",
	}
	if !slices.Equal(d.Warnings(), warnings) {
		t.Errorf("warnings %q", d.Warnings())
	}
	if err := d.Decode(&trace.Span{}); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
}

// TestPlainFile reads one minute given by itself, and construction data alone.
func TestPlainFile(t *testing.T) {
	text := header + row(1, 1, "root", frontend, "Recv.", 0, 5000)
	for name, files := range map[string]*input.Files{
		"plain":     input.FromReader("minute.csv", strings.NewReader(text)),
		"construct": archive(t, "construct_data/d/trace/02_00_trace.csv", text),
	} {
		d := nezha.NewDecoder(files, nezha.Options{})
		spans, bad, err := drain(d)
		if len(spans) != 1 || len(bad) > 0 || err != nil || len(d.Warnings()) > 0 {
			t.Errorf("%s: %v %v %v %v", name, spans, bad, err, d.Warnings())
		}
	}
}

// TestBadRows: each is a record with file, row, field and what was wanted, and the
// good row behind it is read.
func TestBadRows(t *testing.T) {
	good := row(9, 9, "root", frontend, "op", 0, 5000)
	id := strings.Repeat("0", 31) + "1,0000000000000001,"
	for line, want := range map[string]string{
		"xyz,0000000000000001,root," + frontend + ",op,0,5000,5\n":                             `2: TraceID: "xyz": want up to 32 hex digits, not all 0`,
		strings.Repeat("0", 32) + ",0000000000000001,root," + frontend + ",op,0,5000,5\n":      `2: TraceID: "00000000000000000000000000000000": want`,
		strings.Repeat("0", 31) + "1,10000000000000001,root," + frontend + ",op,0,5000,5\n":    `2: SpanID: "10000000000000001": want up to 16`,
		id + "," + frontend + ",op,0,5000,5\n":                                                 `2: ParentID: "": want root, or`,
		id + "root,frontend,op,0,5000,5\n":                                                     `2: PodName: "frontend": want <service>-<hash>-<suffix>`,
		id + "root,-a-b,op,0,5000,5\n":                                                         `2: PodName: "-a-b": want <service>`,
		id + "root,a-b-,op,0,5000,5\n":                                                         `2: PodName: "a-b-": want <service>`,
		id + "root," + frontend + ",op,zero,5000,5\n":                                          `2: StartTimeUnixNano: "zero": not a number: want ns since 1970`,
		id + "root," + frontend + ",op,-1,5000,5\n":                                            `2: StartTimeUnixNano: -1: want ns`,
		id + "root," + frontend + ",op,0,99999999999999999999,5\n":                             `2: EndTimeUnixNano: "99999999999999999999": number out of range`,
		id + "root," + frontend + ",op,6000,5000,-1\n":                                         `2: EndTimeUnixNano: 5000 is before StartTimeUnixNano 6000`,
		id + "root," + frontend + ",op,0,5000,NaN\n":                                           `2: Duration: "NaN": not a number: want whole µs`,
		id + "root," + frontend + ",op,0,5000,5000\n":                                          `2: Duration: 5000 µs, but end - start is 5000 ns`,
		id + "root," + frontend + ",op,0,5000,-5\n":                                            `2: Duration: -5 µs, but end - start is 5000 ns`,
		id + "root," + frontend + ",o\xffp,0,5000,5\n":                                         `2: OperationName: `,
		id + "root," + frontend + ",op,0,5000\n":                                               `2: 7 fields, the header has 8`,
		row(9, 9, "root", frontend, "other", 0, 5000):                                          `3: SpanID: span 0000000000000009 of trace 00000000000000000000000000000009 came before with other values`,
		row(1, 1, "root", frontend, "op", 0, 5000)[:80] + strings.Repeat("x", 17<<20) + ",1\n": `2: line of 178`,
	} {
		d := nezha.NewDecoder(archive(t, "03_53_trace.csv", header+line+good), nezha.Options{})
		spans, bad, err := drain(d)
		if err != nil || len(spans) != 1 || len(bad) != 1 || !strings.HasPrefix(bad[0], "day.tar:03_53_trace.csv:"+want) {
			t.Errorf("%.90q: %d spans, bad %.300q, %v; want %q", line, len(spans), bad, err, want)
		}
	}
}

// TestBrokenStreams: an input that cannot be read as a whole is one clear error.
func TestBrokenStreams(t *testing.T) {
	for want, files := range map[string]*input.Files{
		"no HH_MM_trace.csv in this input (it holds [\"readme.txt\"]": archive(t, "readme.txt", "hi"),
		"03_53_trace.csv: empty":                archive(t, "03_53_trace.csv", ""),
		"header lacks SpanID":                   archive(t, "03_53_trace.csv", strings.Replace(header, "SpanID,", "", 1)),
		"after row 0: unexpected EOF":           archive(t, "d-fault_list.json", ""),
		"after row 0: found [ instead of {":     archive(t, "d-fault_list.json", "[]"),
		"after row 1: ":                         archive(t, "d-fault_list.json", `{"03": [{}], "04": {}}`),
		"after row 1: unexpected EOF":           archive(t, "d-fault_list.json", `{"03": [{}]`),
		"the file ends too early, fetch it aga": input.FromReader("day.tar.gz", strings.NewReader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")),
	} {
		d := nezha.NewDecoder(files, nezha.Options{})
		_, _, err := drain(d)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if again := d.Decode(&trace.Span{}); again != err {
			t.Errorf("%s: then %v", want, again)
		}
	}
}

// TestReader: behind datasets.NewReader bad rows are tallied, or fatal if strict.
func TestReader(t *testing.T) {
	text := header + "x\n" + row(1, 1, "root", frontend, "op", 0, 5000)
	for _, strict := range []bool{false, true} {
		r := datasets.NewReader(nezha.NewDecoder(archive(t, "03_53_trace.csv", text), nezha.Options{}), nil, "day.tar", datasets.Options{Strict: strict})
		n := 0
		var err error
		for s, e := range datasets.Spans(r, trace.NewCalls(10, nil)) {
			if err = e; e == nil {
				n++
				if s.Service != "frontend" {
					t.Errorf("%+v", s)
				}
			}
		}
		if strict != (err != nil) || strict != (n == 0) || r.Bad().Total != 1 {
			t.Errorf("strict %v: %d spans, %d bad, %v", strict, n, r.Bad().Total, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAgainstTwin compares random days, cut into minutes that repeat rows, with a
// reader of encoding/csv, a map and a sort.
func TestAgainstTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var rows []string
		for id := range 300 {
			start := rng.Int64N(50)
			rows = append(rows, row(1+rng.IntN(9), id+1, "root", frontend, "op", start, start+rng.Int64N(50)))
		}
		pairs := []string{}
		for m := range 5 {
			text := header
			for range 100 {
				text += rows[rng.IntN(len(rows))]
			}
			pairs = append(pairs, fmt.Sprintf("trace/03_%02d_trace.csv", m), text)
		}
		want, copies := twin(t, pairs)
		d := nezha.NewDecoder(archive(t, pairs...), nezha.Options{})
		spans, bad, err := drain(d)
		if err != nil || len(bad) > 0 || d.Duplicates() != copies {
			t.Fatalf("%v %v, %d duplicates, want %d", bad, err, d.Duplicates(), copies)
		}
		if !slices.Equal(spans, want) {
			t.Fatal("spans differ from the twin's")
		}
	}
}

func twin(t *testing.T, pairs []string) (spans []trace.Span, copies int64) {
	seen := map[string]bool{}
	for i := 1; i < len(pairs); i += 2 {
		records, err := csv.NewReader(strings.NewReader(pairs[i])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range records[1:] {
			if seen[f[0]+f[1]] {
				copies++
				continue
			}
			seen[f[0]+f[1]] = true
			start, _ := strconv.ParseInt(f[5], 10, 64)
			end, _ := strconv.ParseInt(f[6], 10, 64)
			traceID, _ := strconv.ParseUint(f[0], 16, 64)
			id, _ := strconv.ParseUint(f[1], 16, 64)
			spans = append(spans, trace.Span{TraceID: trace.TraceID{Lo: traceID}, ID: trace.SpanID(id),
				Service: "frontend", Operation: "op", Start: start, Duration: end - start})
		}
	}
	slices.SortFunc(spans, func(a, b trace.Span) int {
		return cmp.Or(cmp.Compare(a.End(), b.End()), strings.Compare(a.TraceID.String(), b.TraceID.String()), cmp.Compare(a.ID, b.ID))
	})
	return spans, copies
}

// BenchmarkDecode reads a generated day of 200 000 spans, uncompressed.
func BenchmarkDecode(b *testing.B) {
	const n = 200_000
	at := time.Date(2022, 8, 22, 3, 53, 0, 0, time.UTC).UnixNano()
	var text strings.Builder
	text.WriteString(header)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		start := at + rng.Int64N(60e9)
		text.WriteString(row(1+i/20, i+1, fmt.Sprintf("%016x", i+1), frontend, "op"+strconv.Itoa(i%50), start, start+rng.Int64N(1e9)))
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		d := nezha.NewDecoder(input.FromReader("day.csv", strings.NewReader(text.String())), nezha.Options{})
		read := 0
		var s trace.Span
		for d.Decode(&s) == nil {
			read++
		}
		if read != n {
			b.Fatal(read)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}
