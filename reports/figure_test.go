package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// testDPI keeps PNGs small: under the race detector a full one takes seconds.
const testDPI = 36

// drawn is a figure as SVG, or as a small PNG.
func drawn(t *testing.T, f Figure, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if format == "png" {
		if err := f.png(&b, testDPI); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if err := f.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFiguresAreDeterministic lays out and draws twice from results built twice.
func TestFiguresAreDeterministic(t *testing.T) {
	first, second := Figures(build(1000, 100, 5)), Figures(build(1000, 100, 5))
	names := ""
	for i, f := range first {
		names += f.Name + " "
		for _, format := range Formats {
			if !bytes.Equal(drawn(t, f, format), drawn(t, second[i], format)) {
				t.Errorf("%s.%s differs between two drawings", f.Name, format)
			}
		}
		if !bytes.Equal(drawn(t, f, "svg"), drawn(t, f, "svg")) {
			t.Errorf("%s: drawing changes the figure", f.Name)
		}
	}
	if names != "confusion scores roc recall_at_fpr precision_recall " {
		t.Errorf("figures %s", names)
	}
}

// extremes are results that have broken a plot somewhere.
func extremes(t *testing.T) map[string]func() (*eval.Result, *eval.Scores) {
	return map[string]func() (*eval.Result, *eval.Scores){
		"fifty spans":  func() (*eval.Result, *eval.Scores) { return synthetic(50, 5, 9) },
		"two spans":    func() (*eval.Result, *eval.Scores) { return synthetic(2, 1, 9) },
		"no span":      func() (*eval.Result, *eval.Scores) { return synthetic(0, 0, 9) },
		"no positives": noPositives,
		"no negatives": func() (*eval.Result, *eval.Scores) { return synthetic(50, 50, 9) },
		"huge counts":  func() (*eval.Result, *eval.Scores) { return huge(), nil },
		"hostile":      func() (*eval.Result, *eval.Scores) { _, s := trackB(); return hostile(), s },
		"zero result":  func() (*eval.Result, *eval.Scores) { return &eval.Result{Samplers: make([]eval.SamplerResult, 3)}, nil },
		"many baselines": func() (*eval.Result, *eval.Scores) {
			r, s := synthetic(500, 50, 9)
			for range 3 {
				r.Samplers = append(r.Samplers, r.Samplers[1:]...)
			}
			return r, s
		},
		"odd scores":   oddScores,
		"no decisions": func() (*eval.Result, *eval.Scores) { return summarised(t, false, true) },
		"no scores":    func() (*eval.Result, *eval.Scores) { return summarised(t, true, false) },
		"constant": func() (*eval.Result, *eval.Scores) {
			r, s := synthetic(500, 50, 9)
			for i := range s.Columns[0].Score {
				s.Columns[0].Score[i] = 0.25
			}
			return r, s
		},
	}
}

// oddScores has every float that is not a score, and thresholds that are none.
func oddScores() (*eval.Result, *eval.Scores) {
	r, s := synthetic(500, 50, 9)
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324, 0, math.Copysign(0, -1), 1e149}
	for i := range s.Columns[0].Score {
		s.Columns[0].Score[i] = odd[i%len(odd)]
	}
	r.Samplers[0].Point.Threshold = eval.Number(math.Inf(1))
	r.Samplers[0].Best.Threshold = eval.Number(math.NaN())
	return r, s
}

func TestFiguresAtExtremes(t *testing.T) {
	broken := regexp.MustCompile(`NaN|[+-]Inf`)
	for name, build := range extremes(t) {
		for _, f := range Figures(build()) {
			svg := drawn(t, f, "svg")
			checkXML(t, name+" "+f.Name, svg)
			if m := broken.Find(svg); m != nil {
				t.Errorf("%s: %s.svg holds %s", name, f.Name, m)
			}
			if f.Caption == "" || f.Title == "" {
				t.Errorf("%s: %s has no title or caption", name, f.Name)
			}
			img, err := png.Decode(bytes.NewReader(drawn(t, f, "png")))
			if err != nil {
				t.Errorf("%s: %s.png: %v", name, f.Name, err)
			} else if img.Bounds().Dx() != int(f.width/72*testDPI+0.5) {
				t.Errorf("%s: %s.png is %v wide", name, f.Name, img.Bounds())
			}
		}
	}
}

// summarised is made by eval itself from the columns of a synthetic run, with or
// without their decisions and scores.
func summarised(t *testing.T, decisions, scores bool) (*eval.Result, *eval.Scores) {
	t.Helper()
	r, s := synthetic(2000, 100, 9)
	for i := range s.Columns {
		if !decisions {
			s.Columns[i].Keep = nil
		}
		if !scores {
			s.Columns[i].Score = nil
		}
		got, err := eval.Summarise(s, i, eval.SummaryOptions{Replicates: 20})
		if err != nil {
			t.Fatal(err)
		}
		got.Baseline = i > 0
		r.Samplers[i] = got
	}
	return r, s
}

// TestPathsHoldTheMeasures: the areas under what is drawn are the AUC and the AP that
// eval measured on the whole curve; thinning costs little.
func TestPathsHoldTheMeasures(t *testing.T) {
	for _, decisions := range []bool{true, false} {
		r, _ := summarised(t, decisions, true)
		for _, s := range r.Samplers {
			auc, ap := 0.0, 0.0
			roc, pr := rocPath(s), prPath(s)
			for i := 1; i < len(roc); i++ {
				auc += (roc[i].X - roc[i-1].X) * (roc[i].Y + roc[i-1].Y) / 2
			}
			for i := 1; i < len(pr); i++ {
				ap += (pr[i].X - pr[i-1].X) * pr[i].Y
			}
			if math.Abs(auc-float64(s.ROCAUC.Value)) > 2e-3 || math.Abs(ap-float64(s.AP.Value)) > 1e-2 {
				t.Errorf("%s: areas %.4f and %.4f, AUC %.4f and AP %.4f", s.Name, auc, ap, s.ROCAUC.Value, s.AP.Value)
			}
		}
	}
}

// TestWithoutDecisions: scores alone still have curves, and nothing says that no span
// was scored.
func TestWithoutDecisions(t *testing.T) {
	r, s := summarised(t, false, true)
	if why := lacking(r); why != "" {
		t.Errorf("no curve: %s", why)
	}
	if h := headline(r); !strings.Contains(h, "neither decisions nor a cut-off") {
		t.Errorf("headline %q", h)
	}
	if f := Figures(r, s); f[0].Name != "scores" {
		t.Errorf("the first figure is %s: a matrix without decisions", f[0].Name)
	}
	if strings.Contains(renderText(t, r, nil, TextOptions{}), "AS DEPLOYED") {
		t.Error("a table of a cut-off that was never deployed")
	}
	if page := renderHTML(t, r, s, nil); strings.Contains(page, `class="cards"`) || !strings.Contains(page, "There are no decisions") {
		t.Error("the page shows a cut-off that was never deployed")
	}
	r, s = summarised(t, true, false)
	if why := lacking(r); !strings.Contains(why, "without scores") {
		t.Errorf("decisions alone: %q", why)
	}
	for _, f := range Figures(r, s) {
		if f.Name == "scores" {
			t.Error("a violin without scores")
		}
	}
}

// FuzzFigures draws curves and points that no run gives: a metrics.json may be edited.
func FuzzFigures(f *testing.F) {
	f.Add(int64(5), int64(3), int64(2), int64(90), 0.5, 0.4)
	f.Add(int64(-5), int64(1)<<62, int64(5), int64(0), math.NaN(), math.Inf(1))
	f.Fuzz(func(t *testing.T, tp, fp, fn, tn int64, cut, score float64) {
		c := eval.Confusion{TP: tp, FP: fp, FN: fn, TN: tn}
		rate := eval.Rate{Value: eval.Number(score), Lo: eval.Number(cut), Hi: eval.Number(score)}
		p := eval.Point{Threshold: eval.Number(cut), Confusion: c, Metrics: eval.Metrics{Recall: rate, FPR: rate, Precision: rate}}
		own := eval.SamplerResult{Point: p, Best: p, Curve: []eval.CurvePoint{{TP: fp, FP: tp}, {TP: tp, FP: fp}, {TP: fn, FP: tn}},
			RecallAt: []eval.RecallAt{{FPR: score, Recall: rate}}}
		s := &eval.Scores{Labels: make([]trace.Label, 24), Columns: []eval.ScoreColumn{{Score: make([]float64, 24)}}}
		for i := range s.Labels {
			s.Labels[i] = trace.Normal + trace.Label(i%2)
			s.Columns[0].Score[i] = score * float64(i-12)
		}
		for _, fig := range Figures(&eval.Result{Samplers: []eval.SamplerResult{own}}, s) {
			checkXML(t, fig.Name, drawn(t, fig, "svg"))
			drawn(t, fig, "png")
		}
	})
}

// checkXML reads the whole document and looks for loads.
func checkXML(t *testing.T, name string, doc []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(doc))
	elements := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		elements++
		for _, a := range start.Attr {
			if a.Name.Local == "href" || strings.Contains(a.Value, "url(") {
				t.Errorf("%s: <%s> loads %q", name, start.Name.Local, a.Value)
			}
		}
	}
	if elements < 5 {
		t.Errorf("%s: %d elements", name, elements)
	}
}

// TestWritePNG draws one figure at its real size, twice.
func TestWritePNG(t *testing.T) {
	f := Figures(synthetic(50, 5, 9))[0]
	var first, second bytes.Buffer
	if err := errors.Join(f.Write(&first, "png"), f.Write(&second, "png")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two drawings differ")
	}
	// 400 points at 192 dots an inch.
	if img, err := png.DecodeConfig(&first); err != nil || img.Width != 1067 || img.Height != 800 {
		t.Errorf("%d by %d pixels, %v", img.Width, img.Height, err)
	}
}

func TestFigureRefusesFormat(t *testing.T) {
	r, _ := trackA()
	err := Figures(r, nil)[0].Write(io.Discard, "pdf")
	if err == nil || !strings.Contains(err.Error(), `format "pdf"`) {
		t.Errorf("error %v", err)
	}
	if len(Figures(&eval.Result{}, nil)) != 0 {
		t.Error("figures without a sampler")
	}
}

// TestViolinLeavesOut: warm-up is counted in the caption, unlabelled spans are not
// labelled.
func TestViolinLeavesOut(t *testing.T) {
	s := &eval.Scores{
		Labels:  []trace.Label{trace.Normal, trace.Normal, trace.Anomalous, trace.Unlabelled, trace.Guard},
		Columns: []eval.ScoreColumn{{Score: []float64{math.NaN(), 0.1, 0.9, 0.5, math.Inf(1)}}},
	}
	groups, left := scoresByLabel(s)
	if left != 2 || len(groups[trace.Normal]) != 1 || len(groups[trace.Anomalous]) != 1 || len(groups[trace.Unlabelled]) != 0 {
		t.Errorf("groups %v, %d left out", groups, left)
	}
	if c := violinFigure(eval.SamplerResult{}, s).Caption; !strings.Contains(c, "2 spans without a finite score") {
		t.Errorf("caption %q", c)
	}
}

// TestStaircases works one small curve by hand: 4 positives, 10 negatives.
func TestStaircases(t *testing.T) {
	s := eval.SamplerResult{Point: eval.Point{Confusion: eval.Confusion{TP: 4, TN: 10000}},
		Curve: []eval.CurvePoint{{TP: 1, FP: 0}, {TP: 2, FP: 100}, {TP: 4, FP: 10000}}}
	low := lowPath(s)
	want := [][2]float64{{lowFPR, 0.25}, {0.01, 0.25}, {0.01, 0.5}, {0.1, 0.5}}
	if len(low) != len(want) {
		t.Fatalf("path %v, want %v", low, want)
	}
	for i, w := range want {
		if low[i].X != w[0] || low[i].Y != w[1] {
			t.Errorf("point %d is %v, want %v", i, low[i], w)
		}
	}
	area, pr := 0.0, prPath(s)
	for i := 1; i < len(pr); i++ {
		area += (pr[i].X - pr[i-1].X) * pr[i].Y
	}
	ap := 0.25*1 + 0.25*2/102 + 0.5*4/10004
	if math.Abs(area-ap) > 1e-12 {
		t.Errorf("area under the precision-recall path %g, average precision %g", area, ap)
	}
}

// TestCellContrast: text on a cell of the confusion matrix keeps a contrast of 4.5 at
// every share (WCAG 2.1, success criterion 1.4.3), in light and in dark.
func TestCellContrast(t *testing.T) {
	themes := []func(tone) uint32{func(t tone) uint32 { return t.light }, func(t tone) uint32 { return t.dark }}
	for i, value := range themes {
		for share := 0.0; share <= 1; share += 0.01 {
			opacity, on := shade(share)
			back := blend(value(cell), value(paper), opacity)
			if c := contrast(luminance(value(on)), back); c < 4.5 {
				t.Errorf("theme %d, share %.2f: contrast %.2f", i, share, c)
			}
		}
	}
}

// blend is the luminance of front over back.
func blend(front, back uint32, opacity float64) float64 {
	mixed := uint32(0)
	for shift := 16; shift >= 0; shift -= 8 {
		f, b := float64(front>>shift&0xff), float64(back>>shift&0xff)
		mixed |= uint32(math.Round(f*opacity+b*(1-opacity))) << shift
	}
	return luminance(mixed)
}

// luminance and contrast are the definitions of WCAG 2.1.
func luminance(c uint32) float64 {
	linear := func(v uint32) float64 {
		x := float64(v&0xff) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c>>16) + 0.7152*linear(c>>8) + 0.0722*linear(c)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
