package reports

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scale-eval/scale-eval/eval"
)

func renderText(t *testing.T, r *eval.Result, timed *eval.Timing, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, r, timed, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextFitsTheWidth(t *testing.T) {
	a, _ := trackA()
	b, _ := trackB()
	n, _ := noPositives()
	for name, r := range map[string]*eval.Result{"a": a, "b": b, "none": n, "huge": huge(), "hostile": hostile(), "empty": {}} {
		for _, width := range []int{80, 100, 120, 160} {
			for line := range strings.Lines(renderText(t, r, timing(r), TextOptions{Width: width})) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%s: %d runes at width %d: %q", name, n, width, line)
				}
			}
		}
	}
}

func TestTextOrder(t *testing.T) {
	r, _ := trackB()
	out := renderText(t, r, timing(r), TextOptions{})
	at := 0
	for _, want := range []string{"nezha:ob-2022-08-22, protocol labels, seed 42", "warning:", "paper (F1 0.098) ties with", "AS DEPLOYED", "paper ", "static duration", "all candidates",
		"cut-off", "RANKING", "0.1%", "BEST ON TEST", "FAULTS  18 of 24 detected", "TIME A SPAN", "412 ns"} {
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("no %q after byte %d in\n%s", want, at, out)
		}
		at += i
	}
}

// TestTextTableGolden pins the look of one table; the numbers are those of the paper's
// Table II for its TraceMesh run, TP 2895, FP 1449, FN 0 of 57,908.
func TestTextTableGolden(t *testing.T) {
	nan := eval.Number(math.NaN())
	point := eval.Point{Threshold: 0.5, Confusion: eval.Confusion{TP: 2895, FP: 1449, TN: 53564}, Metrics: eval.Metrics{
		F1: eval.Rate{Value: 0.79989, Lo: 0.789, Hi: 0.811}, Recall: eval.Rate{Value: 1, Lo: 0.9987, Hi: 1},
		Precision: eval.Rate{Value: 0.66644, Lo: nan, Hi: nan}, FPR: eval.Rate{Value: 0.02634, Lo: 0.02503, Hi: 0.02771}}}
	never := eval.Point{Threshold: nan, Confusion: eval.Confusion{FN: 2895, TN: 55013}, Metrics: eval.Metrics{
		F1: eval.Rate{Lo: nan, Hi: nan}, Recall: eval.Rate{Hi: 0.0013}, Precision: unknownRate, FPR: eval.Rate{Hi: 0.00007}}}
	r := &eval.Result{Samplers: []eval.SamplerResult{{Name: "paper", Point: point}, {Name: "keep nothing", Baseline: true, Point: never}}}
	want := `AS DEPLOYED  cut-offs chosen without test labels; [95 % interval]
                  F1                 recall              precision  FPR
  paper           0.800 [.789,.811]  1.000 [.999,1.000]  0.666      2.63% [2.50,2.77]
    keep nothing  0.000              0.000 [.000,.001]   n/a        0% [0,0.0070]

                  cut-off     TP     FP     FN      TN  warm-up
  paper               0.5  2,895  1,449      0  53,564        0
    keep nothing      n/a      0      0  2,895  55,013        0
`
	if got := renderText(t, r, nil, TextOptions{}); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
}

func TestTextColour(t *testing.T) {
	r := hostile()
	if plain := renderText(t, r, nil, TextOptions{}); strings.ContainsAny(plain, "\x1b\x00\a\u202e") {
		t.Error("control characters without colour: a name can drive the terminal")
	}
	coloured := renderText(t, r, nil, TextOptions{Color: true})
	if !strings.Contains(coloured, "\x1b[1m") {
		t.Error("no bold with colour")
	}
	stripped := regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(coloured, "")
	if stripped != renderText(t, r, nil, TextOptions{}) {
		t.Error("colour changes the text")
	}
}

func TestHeadline(t *testing.T) {
	with := func(own, base eval.Rate, c eval.Confusion) *eval.Result {
		s := func(f1 eval.Rate, c eval.Confusion, baseline bool) eval.SamplerResult {
			return eval.SamplerResult{Name: map[bool]string{false: "hst", true: "static"}[baseline], Baseline: baseline, Point: eval.Point{Confusion: c, Metrics: eval.Metrics{F1: f1}}}
		}
		return &eval.Result{Samplers: []eval.SamplerResult{s(own, c, false), s(base, c, true)}}
	}
	rate := func(v, lo, hi float64) eval.Rate {
		return eval.Rate{Value: eval.Number(v), Lo: eval.Number(lo), Hi: eval.Number(hi)}
	}
	nan := math.NaN()
	some := eval.Confusion{TP: 1, FP: 1, FN: 1, TN: 1}
	for _, c := range []struct {
		r    *eval.Result
		want string
	}{
		{with(rate(0.8, 0.79, 0.81), rate(0.835, 0.82, 0.85), some), "is beaten by the best baseline, static (F1 0.835): their 95 % intervals do not overlap"},
		{with(rate(0.9, 0.89, 0.91), rate(0.835, 0.82, 0.85), some), "beats the best"},
		{with(rate(0.83, 0.81, 0.85), rate(0.835, 0.82, 0.85), some), "ties with"},
		{with(rate(0.8, nan, nan), rate(0.9, nan, nan), some), "may be chance"},
		{with(rate(0, 0, 0), rate(0, 0, 0), eval.Confusion{TN: 9}), "undefined: the scored spans hold no positive one"},
		{with(rate(nan, nan, nan), rate(0, 0, 0), eval.Confusion{}), "undefined: no span was scored"},
		{with(rate(0.5, 0.4, 0.6), rate(nan, nan, nan), some), "No baseline"},
		{&eval.Result{}, "No sampler"},
	} {
		if got := headline(c.r); !strings.Contains(got, c.want) {
			t.Errorf("got %q, want in it %q", got, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	inf := eval.Number(math.Inf(1))
	for _, c := range [][2]string{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1234567), "-1,234,567"}, {count(math.MaxInt64), "9,223,372,036,854,775,807"},
		{percent(0), "0%"}, {percent(1), "100%"}, {percent(0.02634), "2.63%"}, {percent(0.0001), "0.0100%"}, {percent(1e-9), "<.0001%"}, {percent(0.9994), "99.9%"}, {percent(inf), "n/a"},
		{unit3(1), "1.000"}, {unit3(-0.0001), "0.000"}, {bound3(-0.02), "-.020"}, {cutoff(inf), "n/a"}, {cutoff(40e6), "4e+07"},
		{level(0.001), "0.1%"}, {level(0.03), "3%"},
		{nanoseconds(412.3), "412 ns"}, {nanoseconds(999.7), "1 µs"}, {nanoseconds(2.5e9), "2.5 s"},
		{clean("abc", 3), "abc"}, {clean("abcd", 3), "ab…"}, {clean("a\x1b[1m\xff", 9), "a\ufffd[1m\ufffd"}, {clean("", 5), ""},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}

func TestWrapKeepsEveryWord(t *testing.T) {
	s := "a bb  ccc " + strings.Repeat("x", 25) + " d"
	lines := wrap(s, 10)
	for _, l := range lines {
		if utf8.RuneCountInString(l) > 10 {
			t.Errorf("%q is too long", l)
		}
	}
	if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(s, " ", ""); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDetection: a fault that nothing in the test part could show is not missed.
func TestDetection(t *testing.T) {
	faults := []eval.FaultResult{{Candidates: 3, FlaggedCands: 1}, {Candidates: 2}, {}, {}, {}}
	if got, want := detection(faults), "1 of 2 detected; 3 more have no candidate span in the test part"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := detection(faults[:2]), "1 of 2 detected"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTextOfOneSampler: scores from outside claim nothing of how they came about.
func TestTextOfOneSampler(t *testing.T) {
	r, _ := trackA()
	r.Samplers = r.Samplers[:1]
	r.Samplers[0].ThresholdBy = "decisions of the file"
	r.Counts.Calls = 0
	out := renderText(t, r, nil, TextOptions{})
	for _, want := range []string{"without a baseline to compare with", "cut-off: decisions of the file;", " scores read"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for _, not := range []string{"without test labels", "max_duration", "0 calls"} {
		if strings.Contains(out, not) {
			t.Errorf("%q in:\n%s", not, out)
		}
	}
}
