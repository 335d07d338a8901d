package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A process that ends before its shards do is an error that names the shard, and says what
// the process said.
func TestWorkerEnds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the processes here are shell scripts: run it where there is a shell")
	}
	for _, test := range []struct {
		name, script string
		done         []int
		err          []string
	}{
		{"all done", "while read n; do echo shard $n; done", []int{4, 7, 2}, nil},
		{"killed", "read n; echo shard $n; read n; kill -9 $$", []int{4}, []string{"shard 7", "killed"}},
		{"fails", "read n; echo no room >&2; exit 1", nil, []string{"shard 4", "exit status 1", "no room"}},
		{"leaves", "read n; echo shard $n; exit 0", []int{4}, []string{"shard 7", "ended before it was done"}},
		{"fails in the end", "for i in 1 2 3; do read n; echo shard $n; done; exit 1", []int{4, 7, 2}, []string{"behind its last shard", "exit status 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			self := filepath.Join(t.TempDir(), "scale-eval")
			if err := os.WriteFile(self, []byte("#!/bin/sh\n"+test.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			left, at := []int{4, 7, 2}, 0
			var done []int
			err := newWorker(context.Background(), self, "store", 1).run(func() (int, bool) {
				if at == len(left) {
					return 0, false
				}
				at++
				return left[at-1], true
			}, func() { done = append(done, left[at-1]) })
			if !slices.Equal(done, test.done) || (err == nil) != (test.err == nil) {
				t.Fatalf("done %v, want %v: %v", done, test.done, err)
			}
			for _, want := range test.err {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}
