package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/tuning"
)

// openJournal starts a journal, or takes over what an earlier run left.
func (b *bench) openJournal(s *tuning.Study) (*os.File, error) {
	identity, err := b.identity()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(b.c.String("out"), "trials.journal")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && !b.c.Bool("resume") {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			return nil, usagef("%s is there already: --resume goes on with it; or remove it, or give another --out", path)
		}
		if err != nil {
			return nil, err
		}
		return f, tuning.StartJournal(f, identity)
	}
	return b.resumeJournal(s, path, identity)
}

// resumeJournal reads what is whole and cuts off the rest.
func (b *bench) resumeJournal(s *tuning.Study, path, identity string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	done, whole, err := tuning.ReadJournal(f, identity)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, o := range done {
		s.Done[s.UnitKey(o.Unit)] = o
	}
	fmt.Fprintf(b.c.App.ErrWriter, "scale-eval: %d results of an earlier run are taken from %s\n", len(done), path)
	return f, nil
}

// identity is all that decides the outcome of a unit: data, options, cut-offs.
func (b *bench) identity() (string, error) {
	files, err := checksums(b.ds)
	if err != nil {
		return "", fmt.Errorf("checksum of dataset %s: %w", b.ds.Name, err)
	}
	text, err := yaml.Marshal(map[string]any{
		"dataset": b.ds.Name, "files": files, "spans": b.census.read,
		"options": sharedOptions(b.c, b.space), "parameters": b.space.Names(), "thresholds": b.space.Thresholds(),
		"budgets": tuning.Budgets(b.objectives), "timed": tuning.Measures(b.objectives),
	})
	return string(text), err
}
