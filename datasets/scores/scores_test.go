package scores

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func TestReadCSV(t *testing.T) {
	const file = `Index,Score,Anomaly,Shocked,TraceID,"record"
0,0.5,True,True,aa,"{'0': 0, '1': 2}"
1,0.25,False,False,aa,x
2,text,False,False,bb,x
3,,False,0,bb,x
4,0.75,maybe,1,bb,x
`
	got, err := ReadCSV(strings.NewReader(file), "s.csv", Columns{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Columns{Label: "Shocked", Score: "Score", Decision: "Anomaly", Trace: "TraceID"}); got.Columns != want {
		t.Errorf("columns %+v, want %+v", got.Columns, want)
	}
	if want := []trace.Label{trace.Anomalous, trace.Normal, trace.Normal}; !reflect.DeepEqual(got.Labels, want) {
		t.Errorf("labels %v, want %v", got.Labels, want)
	}
	if got.Score[0] != .5 || got.Score[1] != .25 || !math.IsNaN(got.Score[2]) {
		t.Errorf("scores %v", got.Score)
	}
	if !reflect.DeepEqual(got.Trace, []uint32{0, 0, 1}) || !reflect.DeepEqual(got.Keep, []bool{true, false, false}) {
		t.Errorf("traces %v, keep %v", got.Trace, got.Keep)
	}
	if got.Bad.Total != 2 || got.Bad.First[0].Error() != `s.csv:4: score: "text" is not a number` || got.Bad.First[1].Row != 6 {
		t.Errorf("bad %+v", got.Bad.First)
	}
}

func TestReadCSVErrors(t *testing.T) {
	for file, want := range map[string]string{
		"":                   "empty file",
		"a,b\n1,2\n":         "--label-column",
		"label,b\n1,2\n":     "--score-column",
		"label,\"b\n1,2\n":   "reading the header",
		"label,score\n1,2\n": "",
	} {
		_, err := ReadCSV(strings.NewReader(file), "s.csv", Columns{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
	if _, err := ReadCSV(strings.NewReader("label,score\n"), "s.csv", Columns{Score: "missing"}); err == nil || !strings.Contains(err.Error(), `no column "missing"`) {
		t.Errorf("a named column that is not there: %v", err)
	}
}

func TestParquetRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	const n = 3000
	for i := range n {
		s := trace.Span{TraceID: trace.TraceID{Lo: uint64(i / 3)}, ID: trace.SpanID(i + 1), Service: "a", Operation: "b", Duration: int64(i), Label: trace.Normal}
		score := float64(i) / n
		if i%7 == 0 {
			score = math.NaN()
		}
		if i%11 == 0 {
			s.Label, s.Kind = trace.Guard, "cpu"
		}
		if err := w.Write(&s, score, i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadParquet(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "s.parquet", Columns{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Labels) != n || got.Bad.Total != 0 {
		t.Fatalf("%d rows, %d bad", len(got.Labels), got.Bad.Total)
	}
	for i := range n {
		warm := math.IsNaN(got.Score[i])
		if warm != (i%7 == 0) || !warm && got.Score[i] != float64(i)/n || got.Keep[i] != (i%2 == 0) || got.Trace[i] != uint32(i/3) || (got.Labels[i] == trace.Guard) != (i%11 == 0) {
			t.Fatalf("row %d: label %v score %v keep %v trace %d", i, got.Labels[i], got.Score[i], got.Keep[i], got.Trace[i])
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("label,score,keep\n1,0.5,true\n")
	f.Add("label,score\n\"1,2\n")
	f.Fuzz(func(t *testing.T, file string) {
		got, err := ReadCSV(strings.NewReader(file), "f", Columns{})
		if err == nil && got.Score != nil && len(got.Score) != len(got.Labels) {
			t.Fatal("columns of different lengths")
		}
	})
}
