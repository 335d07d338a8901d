package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// simulateReplay shows results again: of a record without playing anything, of an
// event log by playing its run once more. Either is compared with what there was.
func simulateReplay(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	path := c.String("replay")
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, recordName)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("--replay %s: no such file; want an --out of simulate, its %s or an event log", path, recordName)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	first, _ := r.Peek(len(`{"run":`))
	if string(first) == `{"run":` {
		return replayLog(c, path, r)
	}
	return replayRecord(c, path, r)
}

// replayRecord summarises a record again.
func replayRecord(c *cli.Context, path string, f io.Reader) error {
	record, err := measure.ReadRecord(f, path)
	if err != nil {
		return err
	}
	r := &simResults{record: record, audits: filepath.Dir(path)}
	if err := r.planOf(c, path); err != nil {
		return err
	}
	if err := r.check(c); err != nil {
		return err
	}
	if c.IsSet("out") && c.String("out") != "" {
		r.out = c.String("out")
		if err := r.copyAudits(); err != nil {
			return err
		}
		if err := r.write(); err != nil {
			return err
		}
	}
	return r.print(c)
}

// planOf is what the record holds, or what of it the options ask for.
func (r *simResults) planOf(c *cli.Context, path string) error {
	list := c.String("policies")
	if !c.IsSet("policies") {
		list = "all" // that were played
	}
	policies, err := pickPolicies(c, list)
	if err != nil {
		return err
	}
	if !c.IsSet("policies") && c.String("tuned") != "" { // they may be there in both forms
		untuned, err := policiesOf(list)
		if err != nil {
			return err
		}
		for _, p := range untuned {
			if !slices.ContainsFunc(policies, func(t experiment.Policy) bool { return t.Name == p.Name }) {
				policies = append(policies, p)
			}
		}
	}
	most := uint64(0)
	var played []string
	for _, m := range r.record.Runs() {
		most = max(most, m.Seed)
		if !slices.Contains(played, m.Policy) {
			played = append(played, m.Policy)
		}
	}
	if most == 0 || most > 1<<20 {
		return fmt.Errorf("%s: no run is finished in it", path)
	}
	r.plan.Seeds = int(most)
	if c.IsSet("seeds") {
		r.plan.Seeds = min(r.plan.Seeds, max(1, c.Int("seeds")))
	}
	for _, p := range policies {
		if slices.Contains(played, p.Name) {
			r.plan.Policies = append(r.plan.Policies, p.Name)
		}
	}
	for _, name := range played {
		if !c.IsSet("policies") && measure.Family(name) != name && !slices.Contains(r.plan.Policies, name) {
			return usagef("%s has runs of tuned policy %s: give --tuned with the file that it was played with, or --policies", path, name)
		}
	}
	if len(r.plan.Policies) == 0 {
		return usagef("--policies %s: the record has none of them; it has %q", c.String("policies"), played)
	}
	for _, a := range r.record.Header.Cases {
		if slices.ContainsFunc(r.record.Runs(), func(m *measure.Measures) bool { return m.Case == a.Name }) {
			r.about = append(r.about, a)
			r.plan.Cases = append(r.plan.Cases, a.Name)
		}
	}
	return nil
}

// check compares what the record comes to with the results beside it, and says so.
func (r *simResults) check(c *cli.Context) error {
	files, same := r.files(r.page()), 0
	for _, f := range files {
		was, err := os.ReadFile(filepath.Join(r.audits, f.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var now bytes.Buffer
		if err := f.write(&now); err != nil {
			return err
		}
		if !bytes.Equal(was, now.Bytes()) {
			return fmt.Errorf("%s is not what the record comes to; if it is of fewer seeds or policies, give the same --seeds and --policies; if another build wrote it, remove it",
				filepath.Join(r.audits, f.name))
		}
		same++
	}
	verdict := "no results beside the record to compare with"
	if same == len(files) {
		verdict = "the results beside the record are the same, byte for byte"
	} else if same > 0 {
		verdict = fmt.Sprintf("%d of %d results beside the record are there, and the same", same, len(files))
	}
	fmt.Fprintf(c.App.ErrWriter, "scale-eval: %d runs recomputed; %s\n", len(r.record.Runs()), verdict)
	return nil
}

// copyAudits takes the audit logs along to another folder.
func (r *simResults) copyAudits() error {
	for _, a := range r.about {
		text, err := os.ReadFile(filepath.Join(r.audits, auditName(a.Name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		to := filepath.Join(r.out, auditName(a.Name))
		if err := writeFile(to, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
			return err
		}
	}
	return nil
}

// replayLog plays the run of an event log again and compares every line.
func replayLog(c *cli.Context, path string, log *bufio.Reader) error {
	run, s, p, err := runOfLog(c, log)
	if err != nil {
		return fmt.Errorf("%s:1: %w", path, err)
	}
	same := &sameLines{was: log}
	m, err := playLogged(c, s.cases[0], p, run, experiment.Options{}, same)
	if err == nil {
		err = same.end()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "scale-eval: the run was played again: all %d lines of the log are the same, byte for byte\n", same.line)
	return printRun(c, m)
}

// runOfLog reads the first line of a log, and leaves it unread.
func runOfLog(c *cli.Context, log *bufio.Reader) (run loggedRun, s *simulated, p experiment.Policy, err error) {
	text, _ := log.Peek(1 << 12)
	text, _, whole := bytes.Cut(text, []byte("\n"))
	var head struct{ Run loggedRun }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&head); err != nil || !whole {
		return run, nil, p, fmt.Errorf("not the first line of an event log: %.200q", text)
	}
	run, s = head.Run, &simulated{}
	if !(run.Load >= .01 && run.Load <= 100) {
		return run, nil, p, fmt.Errorf("load %v: want 0.01..100", run.Load)
	}
	if err := s.open(c.Context, run.Scenario, scenarioOptions(c), run.Load); err != nil {
		return run, nil, p, err
	}
	if s.about[0].Digest != run.Digest {
		return run, nil, p, fmt.Errorf("scenario %s is not the one that it was, or its --data are not; play the run again with --event-log", run.Scenario)
	}
	policies, err := pickPolicies(c, measure.Family(run.Policy))
	if err != nil {
		return run, nil, p, err
	}
	if policies[0].Name != run.Policy {
		return run, nil, p, fmt.Errorf("policy %s is not the one that it was: give the --tuned file that the run had, or none if it had none", run.Policy)
	}
	return run, s, policies[0], nil
}

// sameLines is a writer that wants the lines that there were, one a Write.
type sameLines struct {
	was  *bufio.Reader
	line int
}

// Write implements io.Writer.
func (s *sameLines) Write(now []byte) (int, error) {
	s.line++
	was, err := s.was.ReadSlice('\n')
	switch {
	case err == io.EOF && len(was) == 0:
		return 0, fmt.Errorf("line %d: the log ends; the run goes on with %.200q", s.line, now)
	case err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull):
		return 0, err
	case !bytes.Equal(was, now):
		return 0, fmt.Errorf("line %d: the log has %.200q, the run gives %.200q", s.line, was, now)
	}
	return len(now), nil
}

// end wants nothing behind the last line.
func (s *sameLines) end() error {
	if more, err := s.was.ReadSlice('\n'); err != io.EOF || len(more) > 0 {
		return fmt.Errorf("line %d: the run ends; the log goes on with %.200q", s.line+1, more)
	}
	return nil
}
