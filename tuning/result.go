package tuning

import (
	"fmt"
	"slices"

	"github.com/scale-eval/scale-eval/eval"
)

// ResultVersion is the version of the JSON form of Result.
const ResultVersion = 1

// Result is a study reduced to what a report shows. Apart from the times, the same
// outcomes give the same bytes.
type Result struct {
	Version    int                 `json:"version"`
	Dataset    string              `json:"dataset"`
	Protocol   string              `json:"protocol"`
	Method     string              `json:"method"`
	Options    map[string][]string `json:"options"`
	Seeds      []uint64            `json:"seeds"`
	Objectives []string            `json:"objectives"`
	Params     []Axis              `json:"params"`
	Points     []Entry             `json:"points"`
	Models     int                 `json:"models"` // distinct, without thresholds
	Failed     int                 `json:"failed"` // models that could not be run
	FirstFail  string              `json:"first_fail,omitempty"`
	Chosen     int                 `json:"chosen"` // index in Points
	Front      []int               `json:"front"`  // Pareto front, indices in Points; one objective: empty
	Nested     []FoldResult        `json:"nested"`
	Finalists  []Finalist          `json:"finalists"`
	Importance []Importance        `json:"importance"` // for the first objective
	Warnings   []string            `json:"warnings,omitempty"`
}

// Axis is a parameter as a report draws it.
type Axis struct {
	Name        string   `json:"name"`
	Categorical bool     `json:"categorical"`
	Log         bool     `json:"log"`
	Levels      []string `json:"levels,omitempty"` // categories, in order
}

// Entry is one point.
type Entry struct {
	Values  []string      `json:"values"` // one a parameter
	Numbers []float64     `json:"-"`      // for axes; the index of a category
	Seeds   int           `json:"seeds"`
	Share   float64       `json:"share"`
	Loss    []eval.Number `json:"loss"` // one an objective
	// Objective has the values of the objectives over the seeds, on validation data.
	Objective  []Spread       `json:"objective"`
	OnTest     []Spread       `json:"on_test"`
	Validation Rates          `json:"validation"`
	Test       Rates          `json:"test"`
	Threshold  eval.Number    `json:"threshold"` // cut-off, null: the sampler's own
	NsPerSpan  eval.Number    `json:"ns_per_span"`
	Total      eval.Confusion `json:"-"`
	row        int
}

// Rates are the measures of a confusion matrix that is pooled over the seeds.
type Rates struct {
	F1        eval.Number `json:"f1"`
	Precision eval.Number `json:"precision"`
	Recall    eval.Number `json:"recall"`
	FPR       eval.Number `json:"fpr"`
	Kept      eval.Number `json:"kept"` // share of the spans
}

func ratesOf(c eval.Confusion) Rates {
	return Rates{eval.Number(c.F1()), eval.Number(c.Precision()), eval.Number(c.Recall()), eval.Number(c.FPR()),
		eval.Number(float64(c.Kept()) / float64(c.Total()))}
}

// FoldResult is a Fold in terms of the first objective.
type FoldResult struct {
	Block  int         `json:"block"`
	Point  int         `json:"point"`
	Before eval.Number `json:"before"`
	After  eval.Number `json:"after"`
}

// Finalist is the best point of one of the best models, compared with the chosen one.
type Finalist struct {
	Point int        `json:"point"`
	Diff  Difference `json:"difference"`
}

// Conclude reduces outcomes: rows, choice, front, nested selection and importances.
// The caller fills what outcomes do not say, and Finalists. It errs when no model
// could be run.
func Conclude(s *Space, objectives []Objective, outcomes []Outcome) (*Result, []Row, error) {
	rows := Rows(s, outcomes)
	r := &Result{Version: ResultVersion, Chosen: -1}
	for _, o := range objectives {
		r.Objectives = append(r.Objectives, o.String())
	}
	params := r.axes(s, objectives)
	at := map[int]int{} // row -> point
	r.countModels(s, rows)
	for i, row := range rows {
		if row.Fail == "" && Judged(objectives, Reading{Threshold: row.Threshold, Budget: row.Budget}) {
			at[i] = len(r.Points)
			r.Points = append(r.Points, entryOf(params, objectives, row, i))
		}
	}
	chosen := Choose(rows, objectives, 0, foldsOf(rows))
	if chosen < 0 {
		return nil, nil, fmt.Errorf("no point could be measured: %d of %d models failed, the first: %s", r.Failed, r.Models, r.FirstFail)
	}
	r.Chosen = at[chosen]
	if len(objectives) > 1 {
		eligible, losses := Contest(rows, objectives)
		for _, f := range Front(losses) {
			r.Front = append(r.Front, at[eligible[f]])
		}
	}
	for _, f := range Nested(rows, objectives) {
		row := rows[f.Row]
		r.Nested = append(r.Nested, FoldResult{f.Block, at[f.Row],
			eval.Number(objectives[0].Value(f.Before, row.NsPerSpan)), eval.Number(objectives[0].Value(f.After, row.NsPerSpan))})
	}
	values, losses := make([][]string, len(r.Points)), make([]float64, len(r.Points))
	for i, e := range r.Points {
		values[i], losses[i] = e.Values, float64(e.Loss[0])
	}
	r.Importance = Importances(params, values, losses)
	return r, rows, nil
}

// axes lists the parameters, the threshold last.
func (r *Result) axes(s *Space, objectives []Objective) []Param {
	params := slices.Clone(s.Params)
	if s.Threshold != nil && len(Budgets(objectives)) == 0 {
		params = append(params, *s.Threshold)
	}
	for _, p := range params {
		a := Axis{Name: p.Name, Categorical: p.Categorical(), Log: p.Log}
		if a.Categorical {
			a.Levels = p.Levels
		}
		r.Params = append(r.Params, a)
	}
	return params
}

func (r *Result) countModels(s *Space, rows []Row) {
	seen := map[string]bool{}
	for _, row := range rows {
		if key := s.Key(row.Model); !seen[key] {
			seen[key] = true
			r.Models++
			if row.Fail != "" {
				r.Failed++
				if r.FirstFail == "" {
					r.FirstFail = key + ": " + row.Fail
				}
			}
		}
	}
}

func entryOf(params []Param, objectives []Objective, row Row, at int) Entry {
	e := Entry{Values: slices.Clone(row.Model), Seeds: len(row.Seeds), Share: row.Share, Threshold: eval.Number(row.Score),
		NsPerSpan: eval.Number(row.NsPerSpan), row: at}
	if len(params) > len(row.Model) {
		e.Values = append(e.Values, row.Threshold)
	}
	for i, p := range params {
		e.Numbers = append(e.Numbers, p.Number(e.Values[i]))
	}
	n := row.Folds()
	for _, l := range row.Losses(objectives, 0, n) {
		e.Loss = append(e.Loss, eval.Number(l))
	}
	for _, o := range objectives {
		of := func(c eval.Confusion) float64 { return o.Value(c, row.NsPerSpan) }
		e.Objective, e.OnTest = append(e.Objective, row.Spread(0, n, of)), append(e.OnTest, row.Spread(n, n+1, of))
	}
	e.Validation, e.Test, e.Total = ratesOf(row.Validation()), ratesOf(row.Test()), row.Pooled(0, n+1)
	return e
}

// Row is the index of a point in the rows that Conclude returned.
func (e Entry) Row() int { return e.row }

// Best lists the best point of each of the n best models by the first objective,
// the chosen point first and its model left out.
func (r *Result) Best(rows []Row, s *Space, n int) []int {
	out := []int{r.Chosen}
	seen := map[string]bool{s.Key(rows[r.Points[r.Chosen].row].Model): true}
	losses := make([]float64, len(r.Points))
	for i, e := range r.Points {
		losses[i] = float64(e.Loss[0])
	}
	chosen := r.Points[r.Chosen]
	for _, i := range order(losses) {
		key := s.Key(rows[r.Points[i].row].Model)
		if len(out) == n || seen[key] || r.Points[i].Seeds != chosen.Seeds || r.Points[i].Share != chosen.Share {
			continue
		}
		seen[key] = true
		out = append(out, i)
	}
	return out
}
