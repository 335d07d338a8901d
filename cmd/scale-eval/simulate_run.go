package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/reports"
	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// loggedRun is the first line of an event log: what it takes to play the run again.
type loggedRun struct {
	Scenario string  `json:"scenario"` // as it was given: a name or a file
	Digest   string  `json:"digest"`
	Policy   string  `json:"policy"`
	Seed     uint64  `json:"seed"`
	Load     float64 `json:"load"`
	Tool     string  `json:"tool"`
}

// oneRun are the options that ask for a single run.
var oneRun = []string{"seed", "event-log", "audit", "save-spans", "save", "plan"}

func wantsOneRun(c *cli.Context) bool {
	for _, name := range oneRun {
		if c.IsSet(name) {
			return true
		}
	}
	return false
}

// simulateOne runs one scenario, policy and seed, and writes what was asked for.
func simulateOne(c *cli.Context, s *simulated, policies []experiment.Policy) error {
	if c.String("output") == "markdown" {
		return usagef("--output markdown is a table of many runs; of one there is text or json")
	}
	if !c.IsSet("policies") && (c.IsSet("save") || c.IsSet("plan") || c.IsSet("audit")) {
		var err error
		if policies, err = pickPolicies(c, "scale"); err != nil { // nobody else has these
			return err
		}
	}
	if c.IsSet("plan") && c.IsSet("tuned") {
		return usagef("--plan brings rules and model of its own: leave out --tuned")
	}
	if len(s.cases) != 1 || len(policies) != 1 {
		return usagef("--%s are of one run: give one scenario and --policies one name; found %d scenarios and %d policies",
			strings.Join(oneRun, ", --"), len(s.cases), len(policies))
	}
	if (c.IsSet("save") || c.IsSet("plan")) && !explains(policies[0]) {
		return usagef("--save and --plan are SCALE's: want --policies scale")
	}
	if c.IsSet("save-spans") {
		if _, err := outFormat("", c.String("save-spans")); err != nil {
			return usagef("--save-spans %s: want FILE.parquet, or FILE.binpb for OTLP", c.String("save-spans"))
		}
	}
	setup, err := openPlan(c)
	if err != nil {
		return err
	}
	run := loggedRun{s.args[0], s.about[0].Digest, policies[0].Name, c.Uint64("seed"), c.Float64("load"), version}
	one := &single{c: c, c1: s.cases[0], policy: policies[0], run: run, o: experiment.Options{Setup: setup}}
	m, err := one.play()
	if err != nil {
		return err
	}
	return printRun(c, m)
}

// single is one run on its way to files.
type single struct {
	c      *cli.Context
	c1     *experiment.Case
	policy experiment.Policy
	run    loggedRun
	o      experiment.Options
}

// play opens one file after the other; each appears whole or not at all.
func (r *single) play() (m *measure.Measures, err error) {
	var model []byte
	var rules live.RuleSet
	if r.c.IsSet("save") {
		r.o.Setup.Trained = func(snapshot []byte) { model = snapshot }
		r.o.Setup.Played = func(set live.RuleSet) { rules = set }
	}
	run := func(log io.Writer) (err error) {
		m, err = playLogged(r.c, r.c1, r.policy, r.run, r.o, log)
		return err
	}
	logged := func() error {
		return intoFile(r.c.String("event-log"), run)
	}
	audited := func() error {
		return intoFile(r.c.String("audit"), func(w io.Writer) error {
			r.o.Audit = w
			return logged()
		})
	}
	err = intoFile(r.c.String("save-spans"), func(w io.Writer) error {
		if w == nil {
			return audited()
		}
		spans, err := newLabelled(r.c, w, r.run)
		if err != nil {
			return err
		}
		r.o.Spans = spans.add
		if err := audited(); err != nil {
			return err
		}
		if err := spans.close(); err != nil {
			return err
		}
		spans.tell(r.c)
		return nil
	})
	if err == nil && r.c.IsSet("save") {
		err = savePlan(r.c.String("save"), r.c1, rules, model, r.run)
	}
	return m, err
}

// intoFile is writeFile with a buffer; without a name there is no file. What is no plain
// file, such as /dev/stdout or a pipe, is written as it comes.
func intoFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return write(nil)
	}
	buffered := func(f io.Writer) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	}
	if info, err := os.Stat(name); err != nil || info.Mode().IsRegular() {
		return writeFile(name, buffered)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return buffered(f)
}

// playLogged plays a run and writes its event log, if log is not nil: the run, its
// events, its measures.
func playLogged(c *cli.Context, one *experiment.Case, p experiment.Policy, run loggedRun, o experiment.Options, log io.Writer) (*measure.Measures, error) {
	if log != nil {
		o.EventLog = log
		if err := json.NewEncoder(log).Encode(map[string]loggedRun{"run": run}); err != nil {
			return nil, err
		}
	}
	m, _, err := experiment.Run(c.Context, one, nil, p, run.Seed, o)
	if err == nil && log != nil {
		err = json.NewEncoder(log).Encode(map[string]*measure.Measures{"measures": m})
	}
	return m, err
}

func printRun(c *cli.Context, m *measure.Measures) error {
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, m)
	}
	return reports.SimulationRun(c.App.Writer, m)
}
