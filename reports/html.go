package reports

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"

	"github.com/scale-eval/scale-eval/eval"
)

// HTMLOptions are what the page shows beside the result.
type HTMLOptions struct {
	// Figures are drawn into the page, in this order; see [Figures].
	Figures []Figure
	// Replay is the one line that repeats the run, e.g. "scale-eval run --replay
	// run.json". Empty leaves the section out.
	Replay string
	// Version names the program; empty leaves it out.
	Version string
}

//go:embed report.tmpl.html
var pageSource string

//go:embed report.css
var pageStyle string

//go:embed report.js
var pageScript string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"count": count, "unit": func(n eval.Number) string { return unit3(n) }, "percent": percent, "level": level,
	"cutoff": cutoff, "ns": nanoseconds, "seconds": seconds, "utc": utc, "name": newName, "long": func(s string) string { return clean(s, longRunes) },
	"unitCI": func(r eval.Rate) string { return interval(r, unit3) }, "percentCI": func(r eval.Rate) string { return interval(r, percentDigits) },
	"recallAt": recallAt, "sub": func(a, b int64) int64 { return a - b }, "chance": chance,
}).Parse(pageSource))

// HTML writes report.html: one file that loads nothing, follows the reader's light or
// dark setting, prints, and works without scripts; with them a slider moves the
// sampler's cut-off. Timing is left out when t is nil.
//
// All names are escaped by html/template, and a content security policy in the page
// forbids every load and every script but its own.
func HTML(w io.Writer, r *eval.Result, t *eval.Timing, o HTMLOptions) error {
	var b bytes.Buffer
	if err := page.Execute(&b, newPage(r, t, o)); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// pageData is what the template reads.
type pageData struct {
	R        *eval.Result
	T        *eval.Timing
	O        HTMLOptions
	Title    string
	Headline string
	Own      *eval.SamplerResult // nil when nothing was scored
	Decided  bool                // the sampler has a deployed cut-off
	Detected string              // how many faults were
	Chosen   string              // how the deployed cut-offs were
	Biases   []bias              // of labels that follow from faults
	// Deployed and Hindsight are the rows of the two tables of operating points.
	Deployed, Hindsight []pointRow
	Figures             []pageFigure
	Curve               []curveRow
	Sliders             []slider
	Style               template.CSS
	Script              template.JS
	Policy              string
}

type pageFigure struct {
	Figure
	SVG template.HTML
}

// pointRow is one sampler at one operating point.
type pointRow struct {
	Name, Note string
	Baseline   bool
	Point      eval.Point
}

func newPage(r *eval.Result, t *eval.Timing, o HTMLOptions) pageData {
	d := pageData{R: r, T: t, O: o, Headline: headline(r), Detected: detection(r.Faults), Chosen: chosen(r), Biases: biases(r.LabelAccount, r),
		Title: clean(r.Dataset, nameRunes) + " · " + clean(r.Protocol, nameRunes),
		Style: template.CSS(palette() + pageStyle), Script: template.JS(pageScript), Policy: policy(pageScript)}
	for _, f := range o.Figures {
		d.Figures = append(d.Figures, pageFigure{f, template.HTML(f.inline())})
	}
	if len(r.Samplers) > 0 {
		d.Own = &r.Samplers[0]
		d.Decided = decided(r.Samplers[0])
		d.Curve = curveRows(r.Samplers[0])
	}
	for _, s := range r.Samplers {
		d.Deployed = append(d.Deployed, pointRow{s.Name, clean(s.ThresholdBy, 120), s.Baseline, s.Point})
		d.Hindsight = append(d.Hindsight, pointRow{s.Name, "", s.Baseline, s.Best})
		if len(s.Curve) > 0 {
			d.Sliders = append(d.Sliders, newSlider(s))
		}
	}
	return d
}

// policy names the page's script by its hash, so that nothing else can run.
func policy(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// palette declares the tones for light and dark; paper is always light.
func palette() string {
	light := variables(func(t tone) uint32 { return t.light })
	dark := variables(func(t tone) uint32 { return t.dark })
	return ":root{" + light + "}\n@media screen and (prefers-color-scheme:dark){:root{" + dark + "}}\n"
}

// pageName is a name from the outside as the page shows it.
type pageName struct{ Short, Full string }

// Bounds, in runes, of a sentence and of the tooltip of a cut name.
const (
	longRunes = 600
	fullRunes = 1000
)

// newName cuts a name for a cell; Full is empty when nothing was cut.
func newName(s string) pageName {
	n := pageName{Short: clean(s, 60)}
	if full := clean(s, fullRunes); full != n.Short {
		n.Full = full
	}
	return n
}

// curveRow is a row of the table of cut-offs.
type curveRow struct {
	Threshold              eval.Number
	TP, FP                 int64
	Recall, Precision, FPR eval.Number
}

// curveLevels are the false-positive rates that the table of cut-offs has rows for.
var curveLevels = []float64{0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1}

// curveRows picks the cut-off with the highest recall at each level, once each.
func curveRows(s eval.SamplerResult) []curveRow {
	pos, neg := totals(s)
	var rows []curveRow
	last := -1
	for _, fpr := range curveLevels {
		at := -1
		for i, p := range s.Curve {
			if ratio(p.FP, neg) <= fpr {
				at = i
			}
		}
		if at > last {
			p := s.Curve[at]
			rows = append(rows, curveRow{p.Threshold, p.TP, p.FP, share(p.TP, pos), share(p.TP, float64(p.TP+p.FP)), share(p.FP, neg)})
			last = at
		}
	}
	return rows
}

func share(n int64, of float64) eval.Number {
	if of == 0 {
		return eval.Number(math.NaN())
	}
	return eval.Number(float64(n) / of)
}

// slider is the data of one sampler for the script: columns, since field names in
// every point would double the page.
type slider struct {
	Name      string        `json:"name"`
	Positives int64         `json:"positives"`
	Negatives int64         `json:"negatives"`
	Deployed  int           `json:"deployed"` // index of the nearest point; -1 without decisions
	Best      int           `json:"best"`
	Threshold []eval.Number `json:"threshold"`
	TP        []int64       `json:"tp"`
	FP        []int64       `json:"fp"`
}

func newSlider(s eval.SamplerResult) slider {
	pos, neg := totals(s)
	out := slider{Name: clean(s.Name, nameRunes), Positives: int64(pos), Negatives: int64(neg),
		Deployed: nearest(s.Curve, s.Point.Confusion), Best: nearest(s.Curve, s.Best.Confusion)}
	if !decided(s) {
		out.Deployed = -1
	}
	for _, p := range s.Curve {
		out.Threshold, out.TP, out.FP = append(out.Threshold, p.Threshold), append(out.TP, p.TP), append(out.FP, p.FP)
	}
	return out
}

// nearest is the point of a thinned curve that flags most nearly as many spans as c:
// counts are always there, thresholds may be infinite.
func nearest(curve []eval.CurvePoint, c eval.Confusion) int {
	best, distance := 0, int64(math.MaxInt64)
	for i, p := range curve {
		d := p.TP + p.FP - c.TP - c.FP
		if d < 0 {
			d = -d
		}
		if d < distance {
			best, distance = i, d
		}
	}
	return best
}
