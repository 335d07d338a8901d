package catalog

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// folderOf writes spans 0..n-1, one a second, as files of the sizes given; span i is of
// service s0 or s1 by its thousand.
func folderOf(t *testing.T, sizes ...int) *Dataset {
	t.Helper()
	dir, at := t.TempDir(), 0
	for i, n := range sizes {
		sub := filepath.Join(dir, fmt.Sprintf("hour=%d", i)) // 10 behind 9
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(sub, "part-0.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		w := datasets.NewParquetWriter(f, nil)
		for range n {
			s := trace.Span{ID: trace.SpanID(at + 1), Service: fmt.Sprintf("s%d", at/1000%2), Operation: "o", Start: int64(at+1) * 1e9, Duration: 1}
			if err := w.Write(&s); err != nil {
				t.Fatal(err)
			}
			at++
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if err := os.WriteFile(filepath.Join(dir, "_SUCCESS"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ds, err := Prepare(t.Context(), &Ref{Name: "folder", Format: Parquet, Path: dir}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func rowsOf(t *testing.T, ds *Dataset, from, to int64) (ids []int) {
	t.Helper()
	r, err := ds.OpenRows(0, from, to)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for s, err := range datasets.Spans(r, trace.NewCalls(9, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("s%d", int(s.ID-1)/1000%2); s.Service != want || s.Start != int64(s.ID)*1e9 {
			t.Fatalf("row %d reads %+v", s.ID-1, s)
		}
		ids = append(ids, int(s.ID-1))
	}
	return ids
}

func count(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// A folder is its files one after another, and any range of its rows can be read.
func TestFolderRows(t *testing.T) {
	sizes := []int{1500, 1, 700, 3, 1, 1, 1, 1, 1, 1, 400}
	ds := folderOf(t, sizes...)
	total := 0
	for _, n := range sizes {
		total += n
	}
	if ds.Rows() != int64(total) {
		t.Fatalf("%d rows, want %d", ds.Rows(), total)
	}
	for _, c := range [][2]int{{0, total}, {0, 0}, {0, 1}, {1499, 1502}, {1500, 1501}, {700, 1600}, {2201, 2209}, {total - 1, total}, {total, total + 5}, {5, math.MaxInt32}} {
		if got, want := rowsOf(t, ds, int64(c[0]), int64(c[1])), count(c[0], min(c[1], total)); !slices.Equal(got, want) {
			t.Errorf("rows [%d,%d): %d of them, want %d", c[0], c[1], len(got), len(want))
		}
	}
}

// A file of few rows is one row group.
func TestCuts(t *testing.T) {
	for _, test := range []struct {
		sizes []int
		n     int
		want  []int64
	}{
		{[]int{7}, 2, []int64{0, 7}},
		{[]int{5, 5, 5}, 1, []int64{0, 15}},
		{[]int{5, 5, 5}, 2, []int64{0, 5, 15}},
		{[]int{5, 5, 5}, 3, []int64{0, 5, 10, 15}},
		{[]int{5, 5, 5}, 9, []int64{0, 5, 10, 15}},
		{[]int{1, 9}, 2, []int64{0, 1, 10}},
		{[]int{3, 6, 4, 1}, 2, []int64{0, 9, 14}},
	} {
		if got := folderOf(t, test.sizes...).Cuts(test.n); !slices.Equal(got, test.want) {
			t.Errorf("files of %v rows for %d readers are cut at %d, want %d", test.sizes, test.n, got, test.want)
		}
	}
}

// Time and service leave out what they should and nothing else.
func TestFolderWhere(t *testing.T) {
	ds := folderOf(t, 1500, 1500, 1500)
	for _, c := range []struct {
		where datasets.Where
		holds func(i int) bool
	}{
		{datasets.Where{Since: 1400e9}, func(i int) bool { return i+1 >= 1400 }},
		{datasets.Where{Until: 1400e9}, func(i int) bool { return i+1 < 1400 }},
		{datasets.Where{Since: 1600e9, Until: 1700e9, Services: []string{"s1"}}, func(i int) bool { return i+1 >= 1600 && i+1 < 1700 && i/1000%2 == 1 }},
		{datasets.Where{Services: []string{"s0", "other"}}, func(i int) bool { return i/1000%2 == 0 }},
		{datasets.Where{Services: []string{"other"}}, func(int) bool { return false }},
	} {
		ds.opt.Where = c.where
		want := slices.DeleteFunc(count(0, 4500), func(i int) bool { return !c.holds(i) })
		if got := rowsOf(t, ds, 0, math.MaxInt64); !slices.Equal(got, want) {
			t.Errorf("%+v: %d rows, want %d", c.where, len(got), len(want))
		}
	}
	if _, err := Prepare(t.Context(), &Ref{Name: "synth", Format: Synth}, Options{Where: datasets.Where{Since: 1}}); err == nil {
		t.Error("part of a dataset that is not Parquet: no error")
	}
}
