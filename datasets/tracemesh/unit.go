package tracemesh

import (
	"bytes"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/input"
)

// Unit is the unit of the Duration column.
type Unit uint8

const (
	// Auto takes durations for ms when one of the first rows has a fraction or an
	// exponent, else for µs: OpsPAI's files hold integer µs, the SCALE authors'
	// captures float ms.
	Auto Unit = iota
	// Microseconds is a number of µs.
	Microseconds
	// Milliseconds is a number of ms.
	Milliseconds
	// Nanoseconds is a number of ns.
	Nanoseconds
)

var unitNames = [...]string{"auto", "us", "ms", "ns"}

// scales are the powers of ten from a unit to ns.
var scales = [...]int{Microseconds: 3, Milliseconds: 6, Nanoseconds: 0}

// String is the name that ParseUnit takes.
func (u Unit) String() string {
	if int(u) >= len(unitNames) {
		return fmt.Sprintf("unit(%d)", uint8(u))
	}
	return unitNames[u]
}

// ParseUnit reads auto, us, ms or ns.
func ParseUnit(s string) (Unit, error) {
	for i, n := range unitNames {
		if s == n {
			return Unit(i), nil
		}
	}
	return 0, fmt.Errorf("unit of durations %q: want auto, us, ms or ns", s)
}

// autoBytes is how much of the first file Auto looks at: some thousand rows.
const autoBytes = 256 << 10

// detect decides the unit from the head of r and returns a reader of the whole. A
// file without a readable row leaves Auto.
func detect(path string, r io.Reader) (Unit, io.Reader, error) {
	head, err := io.ReadAll(io.LimitReader(r, autoBytes))
	if err != nil {
		return Auto, nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head), r)
	if len(head) == autoBytes { // the last row may be cut: leave it out
		head = head[:bytes.LastIndexByte(head, '\n')+1]
	}
	rows, err := input.NewCSV(path, bytes.NewReader(head), columns[:]...)
	if err != nil {
		return Auto, whole, nil // reported when the file is read
	}
	unit, at := Auto, rows.Column(columns[colDuration])
	for {
		fields, err := rows.Next()
		if err == io.EOF {
			return unit, whole, nil
		}
		if err != nil {
			continue
		}
		if _, err := input.Millis(fields[at]); err != nil {
			continue
		}
		if unit = unitOf(fields[at]); unit == Milliseconds {
			return unit, whole, nil
		}
	}
}

func unitOf(number []byte) Unit {
	if fractional(number) {
		return Milliseconds
	}
	return Microseconds
}

func fractional(number []byte) bool { return bytes.ContainsAny(number, ".eE") }
