package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

// TestCompareKilled kills a comparison in the middle (SIGKILL), tears the last record,
// and calls it again: no finished cell is computed again, and the board is that of a
// comparison that nobody disturbed, but for the times.
func TestCompareKilled(t *testing.T) {
	dir := t.TempDir()
	args := func(out string) []string {
		return []string{"compare", "--dataset", "synth:A", "--spans", "4000", "--seeds", "6", "--bootstrap", "20",
			"--samplers", "quantile,static,ratio", "--output", "json", "--out", filepath.Join(dir, out)}
	}
	board := func(out string) *eval.Board {
		t.Helper()
		var printed bytes.Buffer
		if err := run(context.Background(), append([]string{"scale-eval"}, args(out)...), strings.NewReader(""), &printed, io.Discard); err != nil {
			t.Fatal(err)
		}
		var b eval.Board
		if err := json.Unmarshal(printed.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Rows {
			b.Rows[i].NsPerSpan = 0
		}
		return &b
	}
	want := board("whole")

	journal := filepath.Join(dir, "killed", "cells.jsonl")
	kill(t, args("killed"), func() bool {
		content, _ := os.ReadFile(journal)
		return bytes.Count(content, []byte("\n")) >= 4
	})
	before, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(before, []byte("\n")); n >= 18 {
		t.Fatalf("all %d cells were done before the kill", n)
	}
	before = before[:len(before)-7]
	if err := os.WriteFile(journal, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := board("killed"); !sameBoard(got, want) {
		t.Errorf("the board after a kill\n%+v\nis not the undisturbed one\n%+v", got, want)
	}
	after, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	// Whole records are still there as they were, and every cell is there once.
	if whole := bytes.LastIndexByte(before, '\n') + 1; !bytes.HasPrefix(after, before[:whole]) {
		t.Error("finished cells were rewritten")
	}
	keys := map[string]bool{}
	for line := range bytes.Lines(after) {
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		keys[l.Key] = true
	}
	if n := bytes.Count(after, []byte("\n")); n != 18 || len(keys) != 18 {
		t.Errorf("%d records of %d cells, want 18 of 18", n, len(keys))
	}
}

// sameBoard compares as JSON, in which NaN equals itself.
func sameBoard(a, b *eval.Board) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}
