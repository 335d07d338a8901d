package input

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSequence(t *testing.T) {
	dir := t.TempDir()
	archive := tarOf(t, "d/test.csv", "t", "d/other", "o", "d/train.csv", "r", "d/labels", "l", "d/val.csv", "v")
	write(t, filepath.Join(dir, "x.tgz"), pack(t, "gz", string(archive)))
	rank := func(name string) int {
		return slices.Index([]string{"labels", "train.csv", "val.csv", "test.csv"}, filepath.Base(name))
	}
	names, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSequence(dir, names, rank)
	// labels; train and val; test: labels lies behind train, so it needs a pass.
	if want := [][2]int{{0, 0}, {1, 2}, {3, 3}}; !slices.Equal(s.passes, want) {
		t.Errorf("passes %v, want %v", s.passes, want)
	}
	var got strings.Builder
	for {
		f, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&got, f); err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != "lrvt" || s.Close() != nil {
		t.Errorf("read %q", got.String())
	}
	if names = []string{"d/labels", "d/train.csv", "d/val.csv", "d/test.csv"}; !slices.Equal(s.Names(), names) {
		t.Errorf("names %q", s.Names())
	}
}
