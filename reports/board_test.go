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

// withShocks is a board of one dataset under three shocks, strongest first as NewBoard
// orders them, where the static threshold falls from .8 to .2.
func withShocks() *eval.Board {
	b := &eval.Board{Reference: "adaptive"}
	for i, factor := range []float64{9, 3, 2} {
		for s, sampler := range []string{"adaptive", "static"} {
			ap := .9 - eval.Number(i)*.05 - eval.Number(s*(1+2*i))*.1
			r := eval.BoardRow{Dataset: "d", Condition: fmt.Sprint("shock x", factor), Strength: eval.Strength{FactorLo: factor, FactorHi: factor},
				Sampler: sampler, AP: eval.Rate{Value: ap}, OwnF1: eval.Rate{Value: ap}, Positives: .05, VerdictAP: "worse",
				RecallAtFPR: make([]eval.Number, len(eval.DefaultFPRs)), RecallAtBudget: make([]eval.Number, len(eval.Budgets)),
				CallsAtBudget: []eval.Number{1, 2.5, 1234, 4}, TypesAtBudget: []eval.Number{1, 1, 1, 1}, AllCalls: 5, AllTypes: 2, BytesPerCall: 2470}
			for i := range eval.CurveBudgets {
				r.RecallCurve = append(r.RecallCurve, eval.Number(i)/eval.Number(len(eval.CurveBudgets)-1))
			}
			b.Rows = append(b.Rows, r)
		}
	}
	return b
}

// A figure of AP and one of recall against budget a condition, then AP and F1 against
// the strength.
func TestBoardFiguresOfShocks(t *testing.T) {
	var names []string
	for _, f := range BoardFigures(withShocks()) {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "board_01 budget_01 board_02 budget_02 board_03 budget_03 strength_ap_01 strength_f1_01"; got != want {
		t.Errorf("figures %s, want %s", got, want)
	}
}

func TestBoardHTML(t *testing.T) {
	for _, b := range []*eval.Board{sampleBoard(), withShocks()} {
		var out bytes.Buffer
		if err := BoardHTML(&out, b, BoardPage{Figures: BoardFigures(b), Version: "v1"}); err != nil {
			t.Fatal(err)
		}
		page := out.String()
		if strings.Contains(page, "<script") || strings.Contains(page, "http://") && strings.Contains(page, "src=") {
			t.Error("the page runs a script or loads something")
		}
		if n := strings.Count(page, "<svg"); n != len(BoardFigures(b)) {
			t.Errorf("%d drawings, want %d", n, len(BoardFigures(b)))
		}
		if strings.Contains(page, "NaN") {
			t.Error("an undefined number is shown as NaN")
		}
	}
}

func TestBoardTextOfCover(t *testing.T) {
	var out bytes.Buffer
	if err := BoardText(&out, withShocks(), TextOptions{Width: 120}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2.5", "1,234", "2.47 kB", "Of 5 calls and 2 types of traces"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestBoardFigures(t *testing.T) {
	figures := BoardFigures(sampleBoard())
	if len(figures) != 4 {
		t.Fatalf("%d figures, want two a dataset", len(figures))
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
