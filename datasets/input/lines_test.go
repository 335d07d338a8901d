package input

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 20)
	in := "one\r\n\ntwo\n" + long + "\nthree\n" + long + "y\n" + long + "\r\nlast"
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(in), "bytewise": iotest.OneByteReader(strings.NewReader(in)),
		"data with EOF": iotest.DataErrReader(strings.NewReader(in)),
	} {
		var got []string
		l := NewLines("f", r, 20)
		for {
			line, err := l.Next()
			if err == io.EOF {
				break
			}
			var row *trace.RowError
			if errors.As(err, &row) {
				got = append(got, row.Error())
			} else if err != nil {
				t.Fatal(err)
			} else {
				got = append(got, string(line))
			}
		}
		want := []string{"one", "", "two", long, "three",
			"f:6: line of 21 bytes, at most 20 are read: is this a text file?", long, "last"}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestLinesReadError(t *testing.T) {
	l := NewLines("f", io.MultiReader(strings.NewReader("one\ntw"), iotest.ErrReader(io.ErrUnexpectedEOF)), 0)
	if _, err := l.Next(); err != nil {
		t.Fatal(err)
	}
	_, err := l.Next()
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "after row 1: f: ") {
		t.Errorf("error %v", err)
	}
	if _, again := l.Next(); again != err {
		t.Errorf("then %v", again)
	}
}

// sevens is an endless stream of the digit 7.
type sevens struct{}

var seven = bytes.Repeat([]byte("7"), 64<<10)

func (sevens) Read(p []byte) (int, error) { return copy(p, seven), nil }

// TestGigabyteLine reads a row of 1 GiB between two good ones in bounded memory.
func TestGigabyteLine(t *testing.T) {
	const size = 1 << 30
	r := io.MultiReader(strings.NewReader("a,b\n1,2\n"), io.LimitReader(sevens{}, size), strings.NewReader("\n3,4\n"))
	c, err := NewCSV("big.csv", r, "a")
	if err != nil {
		t.Fatal(err)
	}
	var rows, bad []string
	grown := heapGrowth(func() {
		for {
			fields, err := c.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				bad = append(bad, err.Error())
			} else {
				rows = append(rows, string(fields[0]))
			}
		}
	})
	if len(bad) != 1 || bad[0] != "big.csv:3: line of 1073741824 bytes, at most 16777216 are read: is this a text file?" {
		t.Errorf("bad rows %q", bad)
	}
	if len(rows) != 2 || rows[1] != "3" {
		t.Errorf("rows %q", rows)
	}
	if grown > 6*DefaultMaxLine { // 32 MiB at last, and the halves before it
		t.Errorf("allocated %d MiB", grown>>20)
	}
}
