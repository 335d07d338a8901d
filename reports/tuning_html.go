package reports

import (
	"bytes"
	_ "embed" // the page's template, style and script
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

//go:embed tuning.tmpl.html
var tuningSource string

//go:embed tuning.css
var tuningStyle string

//go:embed tuning.js
var tuningScript string

// pagePoints bounds the points of the interactive page; tune.json has them all.
const pagePoints = 20_000

var tuningPage = template.Must(template.New("tuning").Funcs(template.FuncMap{
	"count": count, "int": func(n int) int64 { return int64(n) }, "unit": func(n eval.Number) string { return unit3(n) }, "percent": percent,
	"name": newName, "long": func(s string) string { return clean(s, longRunes) }, "join": strings.Join,
	"point": pointName, "spread": spreadText, "value": objectiveText, "difference": differenceText,
}).Parse(tuningSource))

// TuningHTML writes the report of a study: one file that loads nothing and follows the
// reader's light or dark setting. Its tables and figures are complete without scripts;
// with them the axes of the parallel coordinates can be brushed, and the heat map takes
// any two parameters.
func TuningHTML(w io.Writer, r *tuning.Result, o HTMLOptions) error {
	d := tuningData{R: r, O: o, Chosen: r.Points[r.Chosen], Data: newTuningPlot(r),
		Title: clean(r.Dataset, nameRunes) + " · tuning", Style: template.CSS(palette() + pageStyle + tuningStyle),
		Script: template.JS(tuningScript), Policy: policy(tuningScript), Options: map[string]string{}}
	for _, f := range o.Figures {
		d.Figures = append(d.Figures, pageFigure{f, template.HTML(f.inline())})
	}
	for k, v := range r.Options {
		d.Options[k] = strings.Join(v, " ")
	}
	var b bytes.Buffer
	if err := tuningPage.Execute(&b, d); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// tuningData is what the template reads.
type tuningData struct {
	R       *tuning.Result
	O       HTMLOptions
	Chosen  tuning.Entry
	Title   string
	Options map[string]string
	Figures []pageFigure
	Data    tuningPlot
	Style   template.CSS
	Script  template.JS
	Policy  string
}

// tuningPlot is what the script reads.
type tuningPlot struct {
	Axes   []tuningAxis `json:"axes"`
	Points [][]short    `json:"points"` // best first, one number an axis
	Chosen int          `json:"chosen"`
	Front  []int        `json:"front"`
	Left   int          `json:"left"` // points that are not in the page
}

// tuningAxis is a parameter, or a measure.
type tuningAxis struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"` // parameter, objective or measure
	Log    bool     `json:"log,omitempty"`
	Levels []string `json:"levels,omitempty"`
	Better string   `json:"better,omitempty"` // high or low
	Format string   `json:"format"`           // number, unit, percent or ns
}

// short is a number with six significant digits, null where there is none.
type short float64

// MarshalJSON implements json.Marshaler.
func (s short) MarshalJSON() ([]byte, error) {
	if x := float64(s); math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(s), 'g', 6, 64), nil
}

func newTuningPlot(r *tuning.Result) tuningPlot {
	points := make([]int, len(r.Points))
	for i := range points {
		points[i] = i
	}
	slices.SortStableFunc(points, func(a, b int) int {
		return compareLoss(float64(r.Points[a].Loss[0]), float64(r.Points[b].Loss[0]))
	})
	d := tuningPlot{Left: max(0, len(points)-pagePoints)}
	points = points[:len(points)-d.Left]
	for _, p := range r.Params {
		d.Axes = append(d.Axes, tuningAxis{Name: clean(p.Name, nameRunes), Kind: "parameter", Log: p.Log, Levels: p.Levels, Format: "number"})
	}
	for _, o := range r.Objectives {
		a := tuningAxis{Name: o, Kind: "objective", Better: "low", Format: "percent"}
		switch o {
		case "f1":
			a.Better, a.Format = "high", "unit"
		case "time":
			a.Format = "ns"
		}
		d.Axes = append(d.Axes, a)
	}
	d.Axes = append(d.Axes, tuningAxis{Name: "recall", Kind: "measure", Better: "high", Format: "unit"},
		tuningAxis{Name: "FPR", Kind: "measure", Better: "low", Format: "percent"})
	for at, i := range points {
		e := r.Points[i]
		row := make([]short, 0, len(d.Axes))
		for _, x := range e.Numbers {
			row = append(row, short(x))
		}
		for _, o := range e.Objective {
			row = append(row, short(o.Mean))
		}
		d.Points = append(d.Points, append(row, short(e.Validation.Recall), short(e.Validation.FPR)))
		if i == r.Chosen {
			d.Chosen = at
		}
		if slices.Contains(r.Front, i) {
			d.Front = append(d.Front, at)
		}
	}
	return d
}

// compareLoss sorts undefined losses last.
func compareLoss(a, b float64) int {
	switch {
	case a < b || math.IsNaN(b) && !math.IsNaN(a):
		return -1
	case a > b || math.IsNaN(a) && !math.IsNaN(b):
		return 1
	}
	return 0
}
