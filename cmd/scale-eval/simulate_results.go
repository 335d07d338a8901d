package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/reports"
	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
	simscenario "github.com/scale-eval/scale-eval/sim/scenario"
)

// simulateAll runs the plan, then the seed that is shown once more with its timelines,
// and writes the comparison. known, if not nil, adds to the record what was computed
// elsewhere.
func simulateAll(c *cli.Context, s *simulated, policies []experiment.Policy, known func(*measure.Record) error) error {
	plan := &experiment.Plan{Cases: s.cases, Policies: policies, Seeds: c.Int("seeds"), Workers: c.Int("workers")}
	record, f, err := openRecord(c.String("out"), s, c.Float64("load"))
	if err != nil {
		return err
	}
	defer f.Close()
	if known != nil {
		if err := known(record); err != nil {
			return err
		}
	}
	if err := execute(c, plan, record, c.String("out"), "simulating"); err != nil {
		return err
	}
	results := &simResults{record: record, about: s.about, plan: plan.Names(), out: c.String("out"), audits: c.String("out")}
	if results.out != "" {
		if err := retrace(c, plan, results); err != nil {
			return err
		}
		if err := results.write(); err != nil {
			return err
		}
	}
	return results.print(c)
}

// execute runs what the record in dir does not have yet. what says in the progress which
// runs these are.
func execute(c *cli.Context, plan *experiment.Plan, record *measure.Record, dir, what string) error {
	plan.Calibrations, plan.Done = record.Calibrations, record.Done
	todo, done := 0, 0
	for _, one := range plan.Cases {
		for _, p := range plan.Policies {
			for _, seed := range plan.SeedList() {
				if !record.Done(one.Name, p.Name, seed) {
					todo++
				}
			}
		}
	}
	bar := newUnitProgress(c.App.ErrWriter, "load tests")
	plan.Calibrated = func(cal *measure.Calibration) error {
		done++
		bar.of(done, len(plan.Cases))
		return record.Calibrated(cal)
	}
	started := false
	runs := 0
	plan.Finished = func(m *measure.Measures) error {
		if !started {
			bar.finish()
			bar, started = newUnitProgress(c.App.ErrWriter, what), true
		}
		runs++
		bar.of(runs, todo)
		return record.Add(m)
	}
	err := plan.Execute(c.Context)
	bar.finish()
	if err != nil && dir != "" {
		kept := fmt.Sprintf("%d of %d runs", plan.Jobs()-todo+runs, plan.Jobs())
		if plan.Jobs() == 0 {
			kept = fmt.Sprintf("%d of %d load tests", len(record.Calibrations), len(plan.Cases))
		}
		return keptError{err, fmt.Sprintf("%s are in %s; the same command goes on from there", kept, filepath.Join(dir, recordName))}
	}
	return err
}

// openRecord opens the record in dir, or, without one, in a file that goes away.
func openRecord(dir string, s *simulated, load float64) (*measure.Record, *os.File, error) {
	h := measure.Header{Tool: version, Cases: s.about, Load: load}
	if dir == "" {
		f, err := os.CreateTemp("", "scale-eval-*.jsonl")
		if err != nil {
			return nil, nil, err
		}
		_ = os.Remove(f.Name()) // it stays readable until it is closed
		r, err := measure.OpenRecord(f, f.Name(), h)
		return r, f, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, recordName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, nil, err
	}
	r, err := measure.OpenRecord(f, path, h)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return r, f, nil
}

// simResults are what a record comes to.
type simResults struct {
	record *measure.Record
	about  []measure.About // in the order of the plan
	plan   measure.Plan
	out    string // folder; "": nothing is written
	audits string // folder with the audit logs of the record
	memo   *measure.Summary
}

// reference is the policy that the others are compared with: SCALE, or the first.
func (r *simResults) reference() string { return r.plan.Policies[0] }

func (r *simResults) summary() *measure.Summary {
	if r.memo == nil {
		r.memo = measure.Summarise(r.plan, r.record.Runs(), r.reference())
		for _, a := range r.about {
			for _, n := range a.Notes {
				r.memo.Notes = append(r.memo.Notes, a.Name+": "+n)
			}
		}
	}
	return r.memo
}

// auditName is the relative path of SCALE's decisions in the seed that is shown.
func auditName(one string) string { return filepath.Join("audit", safeName(one)+".jsonl") }

// safeName makes the name of a scenario, which a file chose, the name of a file.
func safeName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// page is what report.html shows.
func (r *simResults) page() *reports.Simulation {
	s := &reports.Simulation{Summary: r.summary(), Version: r.record.Header.Tool, Again: r.again()}
	for _, a := range r.about {
		one := reports.SimulationCase{Name: a.Name, Summary: a.Summary, Lesson: a.Lesson}
		seed := measure.Typical(r.record.Runs(), a.Name, r.reference())
		for _, p := range r.plan.Policies {
			t := r.record.Timeline(a.Name, p, seed)
			if t == nil {
				continue
			}
			one.Courses = append(one.Courses, t)
			if p == r.reference() {
				one.Why = t.Why
			}
		}
		if _, err := os.Stat(filepath.Join(r.audits, auditName(a.Name))); err == nil && len(one.Courses) > 0 {
			one.Audit = filepath.ToSlash(auditName(a.Name))
		}
		s.Cases = append(s.Cases, one)
	}
	return s
}

// again is the command line that gives the same results; "": files of scenarios or of
// tuned policies took part.
func (r *simResults) again() string {
	if slices.ContainsFunc(r.plan.Policies, func(name string) bool { return measure.Family(name) != name }) {
		return ""
	}
	names := simscenario.Names()
	var given []string
	for _, a := range r.about {
		if !slices.Contains(names, a.Name) {
			return ""
		}
		given = append(given, a.Name)
	}
	if slices.Equal(given, simscenario.Suite()) {
		given = nil
	}
	line := fmt.Sprintf("scale-eval simulate --seeds %d", r.plan.Seeds)
	if !slices.EqualFunc(experiment.Policies(), r.plan.Policies, func(p experiment.Policy, name string) bool { return p.Name == name }) {
		line += " --policies " + strings.Join(r.plan.Policies, ",")
	}
	if l := r.record.Header.Load; l != 1 {
		line += fmt.Sprintf(" --load %g", l)
	}
	return strings.Join(append([]string{line}, given...), " ")
}

// resultFile is one of the files beside the record.
type resultFile struct {
	name  string
	write func(io.Writer) error
}

func (r *simResults) files(s *reports.Simulation) []resultFile {
	return []resultFile{
		{"summary.json", func(w io.Writer) error { return printJSON(w, r.summary()) }},
		{"summary.md", func(w io.Writer) error { return reports.SimulationMarkdown(w, r.summary()) }},
		{"report.html", func(w io.Writer) error { return reports.SimulationHTML(w, s) }},
	}
}

// write fills the folder.
func (r *simResults) write() error {
	s := r.page()
	for _, f := range r.files(s) {
		if err := writeFile(filepath.Join(r.out, f.name), f.write); err != nil {
			return err
		}
	}
	for _, one := range s.Cases {
		for _, f := range append(reports.SimulationTimelines(one.Courses), reports.SimulationTradeoff(r.summary(), one.Name)) {
			for _, format := range reports.Formats {
				name := filepath.Join(r.out, "figures", f.Name+"."+format)
				if err := writeFile(name, func(w io.Writer) error { return f.Write(w, format) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// print writes the summary to standard output.
func (r *simResults) print(c *cli.Context) error {
	w := c.App.Writer
	switch c.String("output") {
	case "json":
		return printJSON(w, r.summary())
	case "markdown":
		return reports.SimulationOverview(w, r.summary())
	}
	return reports.SimulationText(w, r.summary(), reports.TextOptions{Width: termWidth(w, 110), Color: isTerminal(w)})
}
