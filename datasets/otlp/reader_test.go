package otlp

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

var (
	_ datasets.Decoder    = (*JSON)(nil)
	_ datasets.Decoder    = (*Proto)(nil)
	_ datasets.Decoder    = (*CSV)(nil)
	_ datasets.Positioner = (*JSON)(nil)
	_ datasets.Positioner = (*Proto)(nil)
	_ datasets.Positioner = (*CSV)(nil)
)

// drain counts the rows of a Reader up to its error, nil for the end.
func drain(r datasets.Reader) (rows int64, err error) {
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += rec.NumRows()
		rec.Release()
	}
}

func TestDuplicatesAreCounted(t *testing.T) {
	in := line(span("a", ""), span("a", ""), span("b", `,"spanId":"ffffffffffffffff"`))
	r := datasets.NewReader(NewJSON(strings.NewReader(in), "f", Options{}), nil, "f", datasets.Options{DropDuplicates: true})
	defer r.Close()
	rows, err := drain(r)
	if want := []trace.FieldCount{{Field: "span_id", Count: 1}}; err != nil || rows != 2 || r.Bad().Total != 1 || r.Bad().ByField()[0] != want[0] || r.Bad().First[0].Row != 1 {
		t.Errorf("%d rows, %v, bad %v, want 2 rows and %v", rows, err, r.Bad().ByField(), want)
	}
}

func TestTruncatedGzipIsAnErrorOfTheStream(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	for range 200 {
		io.WriteString(w, line(span("a", "")))
	}
	w.Close()
	files := input.FromReader("x.jsonl.gz", bytes.NewReader(zipped.Bytes()[:zipped.Len()-12]))
	f, err := files.Next()
	if err != nil {
		t.Fatal(err)
	}
	r := datasets.NewReader(NewJSON(f, f.Path, Options{}), nil, f.Path, datasets.Options{BatchRows: 1})
	defer r.Close()
	rows, err := drain(r)
	if err == nil || !strings.Contains(err.Error(), "x.jsonl.gz") || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("%d rows, %v: want an unexpected EOF that names the file", rows, err)
	}
}
