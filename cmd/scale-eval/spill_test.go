package main

import (
	"runtime"
	"testing"
)

// An array keeps what is in it while its memory comes and goes, in a file or not.
func TestSpilled(t *testing.T) {
	for _, n := range []int{0, 1, spillFrom / 8, spillFrom} {
		s := &spill{}
		numbers, err := spilled[int64](s, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(numbers) != n || (len(s.maps) == 1) != (8*n >= spillFrom) {
			t.Errorf("%d numbers of %d, %d files", len(numbers), n, len(s.maps))
		}
		for i := range numbers {
			if numbers[i] != 0 {
				t.Fatalf("number %d is %d before it is set", i, numbers[i])
			}
			numbers[i] = int64(i) * 3
		}
		s.forget()
		runtime.GC()
		for i, x := range numbers {
			if x != int64(i)*3 {
				t.Fatalf("number %d is %d, want %d", i, x, 3*i)
			}
		}
		runtime.KeepAlive(s)
	}
	t.Setenv("TMPDIR", "/nowhere")
	t.Setenv("TMP", "/nowhere")
	if _, err := newMapped(spillFrom); err == nil && runtime.GOOS != "windows" {
		t.Error("no folder for the file: no error")
	}
}
