package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
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

	// The test binary is the command when it is called so; see TestMain.
	self := filepath.Join(dir, "scale-eval")
	if err := os.Symlink(os.Args[0], self); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	killed := exec.Command(self, args("killed")...)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- killed.Wait() }()
	journal := filepath.Join(dir, "killed", "cells.jsonl")
	for lines := 0; lines < 4; {
		select {
		case err := <-done:
			t.Fatalf("the comparison ended before it could be killed: %v", err)
		default:
		}
		content, err := os.ReadFile(journal)
		if err == nil {
			lines = bytes.Count(content, []byte("\n"))
		}
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-done
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
