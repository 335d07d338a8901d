package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval"
)

func TestEbb(t *testing.T) {
	e := newEbb(100)
	defer e.close()
	for _, n := range []int{1, 99, 100, 5000} {
		numbers, err := eval.ArrayOf[float64](e, n)
		if err != nil || len(numbers) != n {
			t.Fatalf("%d numbers, want %d: %v", len(numbers), n, err)
		}
		for i := range numbers {
			if numbers[i] != 0 {
				t.Fatalf("number %d is %v before it is set", i, numbers[i])
			}
			numbers[i] = float64(i)
		}
		e.mu.Lock()
		e.spill.forget()
		e.mu.Unlock()
		for i, x := range numbers {
			if x != float64(i) {
				t.Fatalf("number %d of %d is %v", i, n, x)
			}
		}
	}
	if n := len(e.spill.maps); n != 3 {
		t.Errorf("%d arrays in files, want the 3 of 100 bytes or more", n)
	}
}

// spillFolder is a new TMPDIR.
func spillFolder(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

// compareSpilling is a comparison whose arrays lie in files from so many bytes on.
func compareSpilling(ctx context.Context, from int, out string) error {
	cmd := compareCommand()
	cmd.Action = func(c *cli.Context) error { return compare(c, from) }
	app := newApp(strings.NewReader(""), io.Discard, io.Discard)
	app.Commands = []*cli.Command{cmd}
	return app.RunContext(ctx, []string{"scale-eval", "compare", "--dataset", "synth:A", "--spans", "40000", "--seeds", "1", "--bootstrap", "8",
		"--samplers", "quantile,random,otel-latency", "--out", out})
}

// Arrays in files change no byte of what a comparison keeps, but the times in it.
func TestCompareSpilled(t *testing.T) {
	dir := spillFolder(t)
	var kept [2][]byte
	for i, from := range []int{1, math.MaxInt} {
		out := t.TempDir()
		if err := compareSpilling(context.Background(), from, out); err != nil {
			t.Fatal(err)
		}
		j, err := openJournal(filepath.Join(out, "cells.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for key, cell := range j.cells {
			cell.NsPerSpan = 0
			j.cells[key] = cell
		}
		if kept[i], err = json.Marshal(j.cells); err != nil || len(j.cells) != 3 {
			t.Fatalf("%d cells, want 3: %v", len(j.cells), err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		nothingSpilled(t, dir)
	}
	if !bytes.Equal(kept[0], kept[1]) {
		t.Errorf("in files the cells are\n%s\nin memory\n%s", kept[0], kept[1])
	}
}

// nothingSpilled fails if there is a file in dir or, where that can be told, one of ours
// that has no name any more and is still mapped.
func nothingSpilled(t *testing.T, dir string) {
	t.Helper()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left in TMPDIR: %v", left)
	}
	if spillMapped() {
		t.Error("a file is still mapped")
	}
}

// spillMapped says whether this process maps a file that spills.
func spillMapped() bool {
	maps, _ := os.ReadFile("/proc/self/maps") // elsewhere there is none
	return bytes.Contains(maps, []byte("scale-eval-spill-"))
}

// whenSpilled is a context that calls f once when it is asked while files are mapped.
type whenSpilled struct {
	context.Context
	f    func() error
	err  error
	done bool
}

func (c *whenSpilled) Err() error {
	if !c.done && spillMapped() {
		c.done, c.err = true, c.f()
	}
	return c.err
}

// After an interrupt in the middle, and after a full disk, no file is left.
func TestCompareSpilledEndsEarly(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process maps can be seen on Linux only")
	}
	dir := spillFolder(t)
	interrupted := &whenSpilled{Context: context.Background(), f: func() error { return context.Canceled }}
	if err := compareSpilling(interrupted, 1, t.TempDir()); !errors.Is(err, context.Canceled) || !interrupted.done {
		t.Errorf("interrupted: %v", err)
	}
	nothingSpilled(t, dir)

	full := &whenSpilled{Context: context.Background(), f: func() error { return os.Remove(dir) }}
	if err := compareSpilling(full, 1, t.TempDir()); err == nil || !strings.Contains(err.Error(), "set TMPDIR") || !full.done {
		t.Errorf("without a folder: %v", err)
	}
	nothingSpilled(t, dir)
}
