package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/scale-eval/scale-eval/eval"
)

// journal is an append-only file of finished cells, a JSON line each. A line is
// written by one call, so that what an interruption leaves is at most a torn last
// line, which opening cuts off. Lines are appended, so that two calls at once lose none.
type journal struct {
	w     io.Writer
	close func() error
	cells map[string]eval.Cell // by key
}

type journalLine struct {
	Key  string    `json:"key"`
	Cell eval.Cell `json:"cell"`
}

func openJournal(path string) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	j := newJournal(f)
	j.close = f.Close
	if err := j.load(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// newJournal has no cells and writes those that are added to w.
func newJournal(w io.Writer) *journal {
	return &journal{w: w, close: func() error { return nil }, cells: map[string]eval.Cell{}}
}

func (j *journal) load(f *os.File, path string) error {
	content, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(content, '\n') + 1
	for i, line := range bytes.Split(content[:whole], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("%s:%d: not a finished cell: %w. Remove the file to start over", path, i+1, err)
		}
		j.cells[l.Key] = l.Cell
	}
	return f.Truncate(int64(whole))
}

func (j *journal) add(key string, cell eval.Cell) error {
	line, err := json.Marshal(journalLine{key, cell})
	if err != nil {
		return err
	}
	return j.addLine(journalLine{key, cell}, line)
}

// addLine appends text, which says what l is.
func (j *journal) addLine(l journalLine, text []byte) error {
	if _, err := j.w.Write(append(text, '\n')); err != nil {
		return err
	}
	j.cells[l.Key] = l.Cell
	return nil
}

func (j *journal) Close() error { return j.close() }
