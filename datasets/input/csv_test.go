package input

import (
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// rowsOf reads all rows; a bad row is the nil slice.
func rowsOf(t testing.TB, text string) (rows [][]string, bad []*trace.RowError) {
	t.Helper()
	c, err := NewCSV("t.csv", strings.NewReader(text))
	if err != nil {
		return nil, nil
	}
	for {
		fields, err := c.Next()
		var row *trace.RowError
		switch {
		case err == io.EOF:
			return rows, bad
		case errors.As(err, &row):
			bad = append(bad, row)
			rows = append(rows, nil)
		case err != nil:
			t.Fatal(err)
		default:
			var r []string
			for _, f := range fields {
				r = append(r, string(f))
			}
			rows = append(rows, r)
		}
	}
}

// TestCSVAgainstEncodingCSV writes random fields, quotes some that need none, and
// expects what encoding/csv reads.
func TestCSVAgainstEncodingCSV(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "bc", `""`, ",", "\n", "é", " ", "\r\n", "12.5", "", "\t"}
	plain := []string{"a", "bc", "é", " ", "12.5", "", "x\t"}
	for range 3000 {
		var b strings.Builder
		b.WriteString("x,y,z\n")
		for range 1 + rng.IntN(6) {
			end := []string{"\n", "\r\n"}[rng.IntN(2)]
			for k := range 3 {
				if k > 0 {
					b.WriteByte(',')
				}
				quote := rng.IntN(3) == 0
				from := plain
				if quote {
					from = pieces
					b.WriteByte('"')
				}
				for range rng.IntN(4) {
					b.WriteString(from[rng.IntN(len(from))])
				}
				if quote {
					b.WriteByte('"')
				}
			}
			b.WriteString(end)
			if rng.IntN(5) == 0 {
				b.WriteString("\n")
			}
		}
		want, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatalf("%q: %v", b.String(), err)
		}
		got, bad := rowsOf(t, b.String())
		if len(bad) > 0 || !slices.EqualFunc(got, want[1:], slices.Equal) {
			t.Fatalf("%q:\ngot  %q %v\nwant %q", b.String(), got, bad, want[1:])
		}
	}
}

func TestCSVBadRows(t *testing.T) {
	text := "\ufeffa,b\r\n1,2\n1,2,3\n\n\"x\"y,2\np\"q,2\n\xff,2\n3,\"open\nmore\"\n1,2\n9,\"never"
	rows, bad := rowsOf(t, text)
	want := [][]string{{"1", "2"}, nil, nil, nil, nil, {"3", "open\nmore"}, {"1", "2"}, nil}
	if !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("rows %q", rows)
	}
	wantBad := []string{
		"t.csv:3: 3 fields, the header has 2",
		`t.csv:5: a: "y,2" behind the closing quote: want a comma or a doubled quote`,
		`t.csv:6: a: a quote inside a field that is not quoted: "p\"q"`,
		`t.csv:7: a: "\xff" is not valid UTF-8`,
		`t.csv:11: a quoted field is not closed before the end of the file, row 11`,
	}
	for i, b := range bad {
		if i >= len(wantBad) || b.Error() != wantBad[i] {
			t.Errorf("bad row %d: %v", i, b)
		}
	}
	if len(bad) != len(wantBad) {
		t.Errorf("%d bad rows, want %d", len(bad), len(wantBad))
	}
}

func TestCSVHeader(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "f.csv: empty: want a CSV header with the columns id,ms"},
		{"\n\n", "f.csv: empty: want a CSV header with the columns id,ms"},
		{"id,other\n", `f.csv:1: header lacks ms: want the columns id,ms in any order, found "id,other"`},
		{"id,ms,ms\n", "f.csv:1: header has the column ms twice"},
	} {
		_, err := NewCSV("f.csv", strings.NewReader(c.text), "id", "ms")
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	c, err := NewCSV("f.csv", strings.NewReader("\ufeff ms,x,id\r\n"), "id", "ms")
	if err != nil || c.Column("id") != 2 || c.Column("ms") != 0 || c.Column("none") != -1 {
		t.Errorf("columns: %v %v", c, err)
	}
}

// FuzzCSV checks that encoding/csv and this reader agree on every input that
// encoding/csv accepts, and that nothing panics on the rest.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("a,b\n\"1\n\",\"\"\"2\"\n")
	f.Add("\"a\",b\r\n1\",\"2\n\xff,")
	f.Add("a\n\"\n\r\n\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, bad := rowsOf(t, text)
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
		want, err := r.ReadAll()
		if err != nil || len(want) == 0 || len(bad) > 0 || strings.Contains(text, "\r") {
			return
		}
		if !slices.EqualFunc(rows, want[1:], slices.Equal) {
			t.Errorf("got %q, encoding/csv %q", rows, want[1:])
		}
	})
}

// BenchmarkCSV reads rows like those of the data sets: 6 fields, about 95 bytes.
func BenchmarkCSV(b *testing.B) {
	row := "ed02334a205de5e4,032a34f2e0272b90,955726a98b20e806,router frontend egress,1730783632710019000,5000.589\n"
	const rows = 100_000
	text := "TraceID,SpanID,ParentID,OperationName,StartTimeUnixNano,Duration\n" + strings.Repeat(row, rows)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c, err := NewCSV("t.csv", strings.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := c.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
