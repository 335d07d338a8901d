package reports

import (
	"bytes"
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// Simulation is what the page of a comparison of autoscalers shows.
type Simulation struct {
	Summary *measure.Summary
	Cases   []SimulationCase // in the order of the summary
	// Again is the command that makes the same; Version names the program. Empty
	// leaves them out.
	Again, Version string
}

// SimulationCase is what the page tells of one case beside its numbers.
type SimulationCase struct {
	Name, Summary, Lesson string
	// Courses of one seed, by policy; none: no timelines are shown.
	Courses []*measure.Timeline
	// Why are the reference's actions in that seed. Audit is the relative address of
	// the file with all of its decisions; empty: there is none.
	Why   []measure.Reason
	Audit string
}

//go:embed simulation.tmpl.html
var simulationSource string

//go:embed simulation.css
var simulationStyle string

var simulationTemplate = template.Must(template.New("simulation").Funcs(template.FuncMap{
	"name": newName, "long": func(s string) string { return clean(s, longRunes) }, "estimate": estimateText, "at": clock,
	"times": when, "hours": func(e measure.Estimate) string { return fmt.Sprintf("%.1f", e.Mean/3600) },
	"hoursMore": func(e measure.Estimate) string { return fmt.Sprintf("%.2f", e.Mean/3600) },
	"one":       func(v float64) string { return fmt.Sprintf("%.1f", v) }, "two": func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"jitter": func(perSecond float64) string { return fmt.Sprintf("%.1f", 3600*perSecond) },
	"whole":  func(v float64) string { return fmt.Sprintf("%.0f", v) },
}).Parse(simulationSource))

// simulationData is what the template reads.
type simulationData struct {
	S            *Simulation
	Losses, Wins []string
	Overview     simulationOverview
	Cases        []simulationPage
	Style        template.CSS
	Policy       string
}

// simulationPage is one case.
type simulationPage struct {
	SimulationCase
	ID        string
	Verdict   string
	Rows      []simulationRow
	Tradeoff  pageFigure
	Timelines []simulationCourse
	Seed      uint64
	Decisions int // that are not shown
}

// simulationRow is one policy.
type simulationRow struct {
	*measure.Cell
	Own            bool
	Violated, Cost *measure.Comparison // nil: the reference, or one seed
}

// Marks say in words what the corrected test says; the row is the other policy.
func (r simulationRow) ViolatedMark() string { return verdictMark(r.Violated) }

// CostMark is that of pod seconds.
func (r simulationRow) CostMark() string { return verdictMark(r.Cost) }

func verdictMark(c *measure.Comparison) string {
	switch {
	case c == nil:
		return ""
	case c.Better:
		return "worse"
	case c.Worse:
		return "better"
	}
	return "tie"
}

type simulationCourse struct {
	pageFigure
	Open bool
}

// SimulationHTML writes the page: one file that loads nothing, runs no script and
// follows the reader's light or dark setting. All names are escaped by html/template.
func SimulationHTML(w io.Writer, s *Simulation) error {
	d := simulationData{
		S: s, Losses: simulationLosses(s.Summary), Wins: simulationWins(s.Summary), Overview: overviewOf(s.Summary),
		Style:  template.CSS(palette() + pageStyle + simulationStyle),
		Policy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
	}
	for i := range s.Cases {
		d.Cases = append(d.Cases, newSimulationPage(s.Summary, &s.Cases[i]))
	}
	var page bytes.Buffer
	if err := simulationTemplate.Execute(&page, d); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	_, err := w.Write(page.Bytes())
	return err
}

// shownDecisions bounds the actions on the page; the audit file has them all.
const shownDecisions = 12

func newSimulationPage(s *measure.Summary, c *SimulationCase) simulationPage {
	p := simulationPage{SimulationCase: *c, ID: "case-" + fileName(c.Name)}
	for _, v := range s.Verdicts {
		if v.Case == c.Name {
			p.Verdict = verdictText(s, v)
		}
	}
	for i := range s.Cells {
		if cell := &s.Cells[i]; cell.Case == c.Name {
			p.Rows = append(p.Rows, simulationRow{cell, cell.Policy == s.Reference,
				comparisonOf(s, c.Name, "violated_s", cell.Policy), comparisonOf(s, c.Name, "pod_s", cell.Policy)})
		}
	}
	f := SimulationTradeoff(s, c.Name)
	p.Tradeoff = pageFigure{f, template.HTML(f.inline())}
	for i, f := range SimulationTimelines(c.Courses) {
		p.Seed = c.Courses[i].Seed
		p.Timelines = append(p.Timelines, simulationCourse{pageFigure{f, template.HTML(f.inline())}, c.Courses[i].Policy == s.Reference})
	}
	if n := len(p.Why); n > shownDecisions {
		p.Why, p.Decisions = p.Why[:shownDecisions], n-shownDecisions
	}
	return p
}

// estimateText writes "17 ± 3".
func estimateText(e measure.Estimate) string { return spread(e) }

// clock writes seconds of the measured time as 12:05 or 7:12:05.
func clock(s float64) string {
	sign := ""
	if s < 0 {
		sign, s = "-", -s // in the warm-up
	}
	n := int64(s + .5)
	if n >= 3600 {
		return fmt.Sprintf("%s%d:%02d:%02d", sign, n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%s%d:%02d", sign, n/60, n%60)
}

// simulationOverview is all cases x policies.
type simulationOverview struct {
	Policies []string
	Rows     []simulationOverviewRow
}

type simulationOverviewRow struct {
	Case, ID string
	Cells    []simulationRow // a zero one where nothing was run
}

func overviewOf(s *measure.Summary) (o simulationOverview) {
	index := map[string]int{}
	for i := range s.Cells {
		c := &s.Cells[i]
		if _, ok := index[c.Policy]; !ok {
			index[c.Policy] = len(o.Policies)
			o.Policies = append(o.Policies, c.Policy)
		}
	}
	for _, v := range s.Verdicts {
		row := simulationOverviewRow{Case: v.Case, ID: "case-" + fileName(v.Case), Cells: make([]simulationRow, len(o.Policies))}
		for i := range s.Cells {
			if c := &s.Cells[i]; c.Case == v.Case {
				row.Cells[index[c.Policy]] = simulationRow{c, c.Policy == s.Reference,
					comparisonOf(s, v.Case, "violated_s", c.Policy), comparisonOf(s, v.Case, "pod_s", c.Policy)}
			}
		}
		o.Rows = append(o.Rows, row)
	}
	return o
}
