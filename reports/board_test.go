package reports

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

// sampleBoard has two datasets, one with faults, hostile names and undefined numbers.
func sampleBoard() *eval.Board {
	nan := eval.Number(math.NaN())
	b := &eval.Board{Reference: "adaptive"}
	for d, dataset := range []string{"nezha:tt", "<script>alert(1)</script>"} {
		for s, sampler := range []string{"adaptive", "a sampler whose name is much too long for its column", "undefined"} {
			r := eval.BoardRow{Dataset: dataset, Condition: "labels", Sampler: sampler, Seeds: 3,
				AP: eval.Rate{Value: .9 - eval.Number(s)*.1, Lo: .8 - eval.Number(s)*.1, Hi: .95 - eval.Number(s)*.1}, VerdictAP: "tie"}
			if d == 0 {
				r.Faults, r.Detected, r.MedianDelayS = 17, 12.5, 8.25
			}
			if sampler == "undefined" {
				r.AP, r.BestF1 = eval.Rate{Value: nan, Lo: nan, Hi: nan}, nan
			}
			if sampler == "adaptive" {
				r.VerdictAP = "reference"
			}
			r.RecallAtFPR, r.RecallAtBudget = make([]eval.Number, len(eval.DefaultFPRs)), make([]eval.Number, len(eval.Budgets))
			b.Rows = append(b.Rows, r)
		}
	}
	return b
}

func TestBoardText(t *testing.T) {
	for _, width := range []int{80, 120, 160} {
		var out bytes.Buffer
		if err := BoardText(&out, sampleBoard(), TextOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, want := range []string{"0.900 [.800,.950]", "reference", "12.5/17", "8.2 s", "nezha:tt, labels"} {
			if !strings.Contains(text, want) {
				t.Errorf("width %d: no %q in\n%s", width, want, text)
			}
		}
		if strings.Count(text, "FPR fault-free") != 1 {
			t.Errorf("width %d: fault columns belong to the dataset with faults alone", width)
		}
	}
}

func TestBoardFigures(t *testing.T) {
	figures := BoardFigures(sampleBoard())
	if len(figures) != 2 {
		t.Fatalf("%d figures, want one a dataset", len(figures))
	}
	for _, f := range figures {
		for _, format := range Formats {
			var a, b bytes.Buffer
			if err := f.Write(&a, format); err != nil {
				t.Fatal(err)
			}
			if err := f.Write(&b, format); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("%s.%s differs between two drawings", f.Name, format)
			}
			if format == "svg" && strings.Contains(a.String(), "<script") {
				t.Error(fmt.Sprint("a hostile name came through in ", f.Name))
			}
		}
	}
}
