package datasets

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// statedOf is what a reader of a file says, opened as any file is.
func statedOf(t *testing.T, file []byte) (Stated, bool) {
	t.Helper()
	r, err := NewParquetReader(bytes.NewReader(file), int64(len(file)), nil, "x", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	return r.Stated()
}

// What a footer states is what a walk over the spans finds, over several row groups too.
func TestStatedEqualsWalk(t *testing.T) {
	var buf bytes.Buffer
	w := NewParquetWriter(&buf, nil)
	want := Stated{}
	for _, s := range randomSpans(ParquetRowGroup+5000, 9) {
		if err := w.Write(&s); err != nil {
			t.Fatal(err)
		}
		want = want.And(Stated{1, s.Start, s.Start, s.Duration, s.Duration, s.Label.Positive()})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, ok := statedOf(t, buf.Bytes()); !ok || got != want {
		t.Errorf("%+v, %v; want %+v", got, ok, want)
	}
}

// Where a row may be malformed, or no bounds are stated, times have to be read.
func TestStatedNotOk(t *testing.T) {
	type optional struct {
		Service   string `parquet:"service,dict"`
		Operation string `parquet:"operation,dict"`
		Start     *int64 `parquet:"start,optional,timestamp(nanosecond)"`
		Duration  int64  `parquet:"duration"`
	}
	type required struct {
		Service   string `parquet:"service,dict"`
		Operation string `parquet:"operation,dict"`
		Start     int64  `parquet:"start,timestamp(nanosecond)"`
		Duration  int64  `parquet:"duration"`
	}
	start := int64(7)
	for name, test := range map[string]struct {
		file []byte
		ok   bool
	}{
		"sound":               {written(t, []required{{"s", "o", 7, 3}}), true},
		"null possible":       {written(t, []optional{{"s", "o", &start, 3}}), false},
		"a negative duration": {written(t, []required{{"s", "o", 7, 3}, {"s", "o", 7, -1}}), false},
		"no bounds":           {written(t, []required{{"s", "o", 7, 3}}, parquet.SkipPageBounds("start")), false},
	} {
		if s, ok := statedOf(t, test.file); ok != test.ok {
			t.Errorf("%s: %+v, ok is %v", name, s, ok)
		}
	}
}

func written[T any](t *testing.T, rows []T, opts ...parquet.WriterOption) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[T](&buf, opts...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
