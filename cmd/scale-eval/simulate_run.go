package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"

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

// simulateOne runs one scenario, policy and seed, and writes its logs.
func simulateOne(c *cli.Context, s *simulated, policies []experiment.Policy) (err error) {
	if len(s.cases) != 1 || len(policies) != 1 || !c.IsSet("seed") {
		return usagef("--event-log, --audit and --seed go with one scenario, --policies with one name, and --seed; found %d scenarios and %d policies", len(s.cases), len(policies))
	}
	var o experiment.Options
	if file := c.String("audit"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		o.Audit = f
	}
	log := io.Writer(nil)
	if file := c.String("event-log"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
		log = w
	}
	run := loggedRun{s.args[0], s.about[0].Digest, policies[0].Name, c.Uint64("seed"), c.Float64("load"), version}
	m, err := playLogged(c, s.cases[0], policies[0], run, o, log)
	if err != nil {
		return err
	}
	return printRun(c, m)
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
