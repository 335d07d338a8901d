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
	f     *os.File
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
	j := &journal{f: f, cells: map[string]eval.Cell{}}
	if err := j.load(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

func (j *journal) load(path string) error {
	content, err := io.ReadAll(j.f)
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
	return j.f.Truncate(int64(whole))
}

func (j *journal) add(key string, cell eval.Cell) error {
	line, err := json.Marshal(journalLine{key, cell})
	if err != nil {
		return err
	}
	if _, err := j.f.Write(append(line, '\n')); err != nil {
		return err
	}
	j.cells[key] = cell
	return nil
}

func (j *journal) Close() error { return j.f.Close() }
