package nezha_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/nezha"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

func TestX(t *testing.T) {
	for _, n := range []string{"nezha-tt-2023-01-30.tar.xz", "nezha-ob-2022-08-22.tar.xz"} {
		f, err := input.Open(filepath.Join(os.Getenv("SCALE_EVAL_DATA"), n))
		if err != nil {
			t.Fatal(err)
		}
		tb := &inject.TrackB{}
		d := nezha.NewDecoder(f, nezha.Options{Label: tb})
		var s trace.Span
		k := 0
		for {
			err := d.Decode(&s)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			k++
		}
		t.Log(k, d.Duplicates(), d.Warnings())
		for _, c := range tb.Counts() {
			t.Logf("%s %+v", c.Name(), c)
		}
	}
}
