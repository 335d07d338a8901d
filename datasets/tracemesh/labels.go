package tracemesh

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// labels is the content of test_label.txt.
type labels struct {
	met map[trace.TraceID]bool
	n   int // of true values in met
	bad []error
}

// maxLabelLine is generous: a line is an id of at most 32 digits.
const maxLabelLine = 4096

// maxBadLabels separates a label file with a few bad lines from another file.
const maxBadLabels = 1000

// readLabels reads one trace id a line; path is for messages.
func readLabels(path string, r io.Reader) (*labels, error) {
	l := &labels{met: map[trace.TraceID]bool{}}
	lines := input.NewLines(path, r, maxLabelLine)
	for {
		line, err := lines.Next()
		if err == io.EOF {
			return l, nil
		}
		if err == nil {
			err = l.add(path, lines.Row(), bytes.TrimSpace(line))
		}
		var row *trace.RowError
		if errors.As(err, &row) {
			l.bad = append(l.bad, row)
		} else if err != nil {
			return nil, err
		}
		if len(l.bad) > maxBadLabels {
			return nil, fmt.Errorf("%s: more than %d lines are no trace ids, the first: %w", path, maxBadLabels, l.bad[0])
		}
	}
}

func (l *labels) add(path string, row int64, id []byte) error {
	if row == 1 {
		id = bytes.TrimPrefix(id, []byte("\ufeff"))
	}
	if len(id) == 0 {
		return nil
	}
	hi, lo, ok := input.Hex(id)
	if !ok {
		return &trace.RowError{File: path, Row: row, Field: "label", Msg: fmt.Sprintf("%.100q: want a trace id of up to 32 hexadecimal digits", id)}
	}
	l.met[trace.TraceID{Hi: hi, Lo: lo}] = false
	return nil
}

// nextBad hands out the bad lines, one a call, then nil.
func (l *labels) nextBad() error {
	if len(l.bad) == 0 {
		return nil
	}
	err := l.bad[0]
	l.bad = l.bad[1:]
	return err
}

// of is the label of a test span; without a label file there is none.
func (l *labels) of(id trace.TraceID) (trace.Label, string) {
	if l == nil {
		return trace.Unlabelled, ""
	}
	met, listed := l.met[id]
	if !listed {
		return trace.Normal, ""
	}
	if !met {
		l.met[id] = true
		l.n++
	}
	return trace.Anomalous, Uncommon
}

func (l *labels) counts() (listed, met int) {
	if l == nil {
		return 0, 0
	}
	return len(l.met), l.n
}
