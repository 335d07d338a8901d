package reports

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// study is a made-up one: F1 falls with the distance of a from 5, b is a category with
// a hostile name, c is logarithmic.
func study(t testing.TB, objectives ...string) *tuning.Result {
	t.Helper()
	var params []tuning.Param
	for _, text := range []string{"a=1..9", `b=plain,<script>alert(1)</script>|x`, "c=10..1000:log5", "min_score=0.4,0.5,0.6"} {
		p, err := tuning.ParseParam(text)
		if err != nil {
			t.Fatal(err)
		}
		params = append(params, p)
	}
	space, err := tuning.NewSpace(params)
	if err != nil {
		t.Fatal(err)
	}
	grid, err := tuning.Grid(space)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var outcomes []tuning.Outcome
	for _, m := range grid.Next() {
		for seed := range uint64(2) {
			a, _ := strconv.Atoi(m[0])
			o := tuning.Outcome{Unit: tuning.Unit{Model: m, Seed: seed + 1, Share: 1}, NsPerSpan: eval.Number(100 + 10*a)}
			for i, threshold := range space.Thresholds() {
				tp := int64(100 - 8*max(a-5, 5-a) - 3*i + rng.IntN(3))
				block := eval.Confusion{TP: tp, FN: 100 - tp, FP: 110 - tp, TN: 1000}
				o.Readings = append(o.Readings, tuning.Reading{Threshold: threshold, Score: .5, Blocks: []eval.Confusion{block, block, block}})
			}
			outcomes = append(outcomes, o)
		}
	}
	var parsed []tuning.Objective
	for _, text := range objectives {
		o, err := tuning.ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, o)
	}
	r, rows, err := tuning.Conclude(space, parsed, outcomes)
	if err != nil {
		t.Fatal(err)
	}
	r.Dataset, r.Protocol, r.Method, r.Seeds = "made <b>up</b>", "paper", "grid", []uint64{1, 2}
	r.Options = map[string][]string{"grid": {"a=1..9", "b=…"}}
	for _, i := range r.Best(rows, space, 5) {
		r.Finalists = append(r.Finalists, tuning.Finalist{Point: i, Diff: tuning.Difference{Loss: .01, Lo: -.01, Hi: .03, Tie: true}})
	}
	return r
}

func TestTuningFigures(t *testing.T) {
	cases := [][]string{{"fpr@recall>=0.9", "f1"}, {"f1"}, {"f1", "time"}}
	if testing.Short() {
		cases = cases[:1] // drawing takes seconds a case under the race detector
	}
	for _, objectives := range cases {
		r := study(t, objectives...)
		names := map[string]bool{}
		for _, fig := range TuningFigures(r) {
			names[fig.Name] = true
			for _, format := range Formats {
				var a, b bytes.Buffer
				if err := fig.Write(&a, format); err != nil {
					t.Fatal(err)
				}
				if err := fig.Write(&b, format); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
					t.Errorf("%s.%s is not the same twice (%v)", fig.Name, format, err)
				}
				if format == "png" {
					if _, err := png.Decode(&a); err != nil {
						t.Errorf("%s: %v", fig.Name, err)
					}
				} else if strings.Contains(a.String(), "<script") {
					t.Errorf("%s: a name became a tag", fig.Name)
				}
			}
		}
		for _, want := range []string{"parallel", "importance", "pareto", "heatmap"} {
			if !names[want] {
				t.Errorf("%v: no figure %s", objectives, want)
			}
		}
	}
}

func TestParallelAxis(t *testing.T) {
	a := newAxis("x", []float64{10, 1000, math.NaN()})
	if a.at(10) != 0 || a.at(1000) != 1 || a.at(505) != .5 {
		t.Errorf("linear: %v %v %v", a.at(10), a.at(1000), a.at(505))
	}
	if a.log = true; math.Abs(a.at(100)-.5) > 1e-12 {
		t.Errorf("logarithmic: %v", a.at(100))
	}
	if a.flipped = true; a.at(10) != 1 {
		t.Errorf("flipped: %v", a.at(10))
	}
	if one := newAxis("x", []float64{3, 3}); one.at(3) != .5 {
		t.Errorf("one value: %v", one.at(3))
	}
	cat := parallelAxis{lo: 0, hi: 2, levels: []string{"p", "q", "r"}}
	if n, labels := cat.ticks(); len(n) != 3 || labels[1] != "q" || cat.at(1) != .5 {
		t.Errorf("categories: %v %v", n, labels)
	}
}

// TestRamp: the ends and the middle are the palette's.
func TestRamp(t *testing.T) {
	for hue, want := range map[float64]tone{0: red, 1: blue, -3: red, 7: blue} {
		if got, c := ramp(hue, 1), want.color(); got != c {
			t.Errorf("hue %v is %v, want %v", hue, got, c)
		}
	}
}

func TestTuningHTML(t *testing.T) {
	r := study(t, "f1", "time")
	var b bytes.Buffer
	if err := TuningHTML(&b, r, HTMLOptions{Figures: TuningFigures(r), Version: "test"}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if _, err := html.Parse(strings.NewReader(page)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<b>up</b>") {
		t.Error("a name became markup")
	}
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts: want the data and the page's own", n)
	}
	for _, want := range []string{"Pareto front", "Nested selection", `id="pc-axes"`, `"log":true`, "tie ["} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, bad := range []string{"http://", "https://", "NaN"} {
		if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(page, "http://www.w3.org", ""), "https://www.w3.org", ""), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestTuningText(t *testing.T) {
	var b bytes.Buffer
	if err := TuningText(&b, study(t, "f1", "time"), TextOptions{Width: 100}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CHOSEN", "a=5", "PARETO FRONT", "NESTED SELECTION", "IMPORTANCE", "ties with the chosen one", "ns"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func gateChecks() []tuning.Check {
	spread := tuning.Spread{Mean: .8, SD: .01, N: 4}
	return []tuning.Check{
		{Case: "shop|1", Measure: "f1", Base: spread, Now: spread, Verdict: tuning.Unchanged},
		{Case: "shop|1", Measure: "time_ratio", Base: spread, Now: spread, Worse: .5, Noise: .1, Tolerance: .3, Relative: true, Verdict: tuning.Regression},
		{Case: "other", Measure: "fpr <&>", Base: spread, Now: tuning.Spread{Mean: eval.Number(math.NaN())}, Worse: .02, Noise: .1, Tolerance: .01, Verdict: tuning.WithinNoise},
	}
}

func TestGateMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := GateMarkdown(&b, gateChecks()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if !strings.Contains(lines[0], "1 of 3 measures regressed") || !strings.Contains(lines[4], "**REGRESSION**") || !strings.Contains(lines[4], "+50.0%") {
		t.Errorf("failures do not come first:\n%s", b.String())
	}
	for _, line := range lines[2:7] {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 9 {
			t.Errorf("%d bars in %q", n, line)
		}
	}
	if !strings.Contains(b.String(), "they pass") {
		t.Error("noise is not explained")
	}
}

func TestGateJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := GateJUnit(&b, gateChecks()); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Suites) != 2 || got.Suites[0].Failures != 1 || got.Suites[0].Tests != 2 || got.Suites[0].Cases[1].Failure == nil || got.Suites[1].Cases[0].Name != "fpr <&>" {
		t.Errorf("%+v", got)
	}
}
