package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/training"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/experiment"
	simscenario "github.com/scale-eval/scale-eval/sim/scenario"
)

// slowDB is a small scenario: a database that is three times slower for two minutes.
const slowDB = "testdata/slow.yaml"

// command runs the command and gives what it prints.
func command(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, log strings.Builder
	if err := run(t.Context(), append([]string{"scale-eval"}, args...), strings.NewReader(""), &out, &log); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, log.String())
	}
	return out.String(), log.String()
}

// A replayed log must have the same lines, all of them and no more.
func TestSameLines(t *testing.T) {
	const log = "{\"a\":1}\n{\"b\":2}\n"
	for name, c := range map[string]struct{ was, now, want string }{
		"the same":       {log, log, ""},
		"a line less":    {log, "{\"a\":1}\n", "line 2: the run ends; the log goes on"},
		"a line more":    {"{\"a\":1}\n", log, "line 2: the log ends"},
		"another":        {log, "{\"a\":1}\n{\"b\":3}\n", "line 2: the log has"},
		"cut off":        {log[:len(log)-3], log, "line 2: the log has"},
		"an endless one": {strings.Repeat("x", 1<<17), "{\"a\":1}\n", "line 1: the log has"},
	} {
		s := &sameLines{was: bufio.NewReader(strings.NewReader(c.was))}
		var err error
		for line := range strings.Lines(c.now) {
			if _, err = io.WriteString(s, line); err != nil {
				break
			}
		}
		if err == nil {
			err = s.end()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// planned is what "scale-eval live" with these arguments has made of a plan, before it
// listens to anybody.
func planned(t *testing.T, args ...string) (p *process) {
	t.Helper()
	command := liveCommand()
	command.Subcommands = nil
	command.Action = func(c *cli.Context) (err error) {
		if err := errors.Join(applyPlan(c), applyConfig(c), checkLive(c, false)); err != nil {
			return err
		}
		p, err = newProcess(c, false)
		return err
	}
	app := newApp(strings.NewReader(""), io.Discard, io.Discard)
	app.Commands = []*cli.Command{command}
	if err := app.Run(append([]string{"scale-eval", "live"}, args...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// TestPlanGoesLive: what simulate saves is what live runs with. A later part of the same
// system is judged twice, by the pipeline of the simulator and by that which live builds
// from the plan: the same scores, spans kept and decisions, to the byte.
func TestPlanGoesLive(t *testing.T) {
	dir := t.TempDir()
	plan, spans, audit := filepath.Join(dir, "plan"), filepath.Join(dir, "later.parquet"), filepath.Join(dir, "live.jsonl")
	command(t, "simulate", "--save", plan, slowDB)
	command(t, "simulate", "--policies", "none", "--seed", "2", "--save-spans", spans, slowDB)
	p := planned(t, "--plan", plan, "--act", "--backend", "log", "--audit", audit)

	text, err := os.ReadFile(slowDB)
	if err != nil {
		t.Fatal(err)
	}
	s, err := simscenario.Parse(slowDB, text, simscenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := experiment.FromScenario(s, 1).Rules(live.Sampled)
	if err != nil {
		t.Fatal(err)
	}
	model, err := os.ReadFile(filepath.Join(plan, "model.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var why bytes.Buffer
	swap := &training.Swap{}
	ours, err := live.New(live.Options{Rules: rules, Sampler: swap, Audit: &why,
		Orchestrator: live.NewLedger(nil, live.State{Replicas: 1, Ready: 1})})
	if err != nil {
		t.Fatal(err)
	}
	sampler, err := hst.RestoreAdaptive(model, ours.Calls(), maxModel)
	if err != nil {
		t.Fatal(err)
	}
	swap.Set(sampler)

	kept := judgeBoth(t, spans, ours, p.pipeline)
	p.close()
	theirs, err := os.ReadFile(audit)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(theirs, why.Bytes()) || !bytes.Contains(theirs, []byte(`"outcome":"acted"`)) || kept == 0 {
		t.Errorf("%d spans kept; live decided\n%.2000s\nthe simulator\n%.2000s", kept, theirs, why.String())
	}
}

// judgeBoth feeds the spans of a file to two pipelines, with a tick each five seconds of
// their time, and wants the same decision on each span.
func judgeBoth(t *testing.T, file string, a, b *live.Pipeline) (kept int) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := datasets.NewParquetReader(f, info.Size(), f, file, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const tick = 5e9
	next := sim.Epoch + int64(tick)
	for s, err := range datasets.Spans(r, trace.NewCalls(1, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		for ; s.End() > next; next += tick {
			for _, p := range []*live.Pipeline{a, b} {
				if _, err := p.Tick(t.Context(), next); err != nil {
					t.Fatal(err)
				}
			}
		}
		mine, theirs := live.Span{Span: *s, SpanKind: live.KindServer}, live.Span{Span: *s, SpanKind: live.KindServer}
		d1, err1 := a.Span(&mine)
		d2, err2 := b.Span(&theirs)
		if d1 != d2 || (err1 == nil) != (err2 == nil) {
			t.Fatalf("span %+v: %+v %v, live %+v %v", s, d1, err1, d2, err2)
		}
		if d1.Keep {
			kept++
		}
	}
	return kept
}

// TestSimulationIsADataset: the spans of a run, with the fault as their label, are a
// dataset like any other. As OTLP they are the same spans, the truth in attributes only.
func TestSimulationIsADataset(t *testing.T) {
	dir := t.TempDir()
	file, wire := filepath.Join(dir, "slow.parquet"), filepath.Join(dir, "slow.binpb")
	_, told := command(t, "simulate", "--policies", "none", "--seed", "4", "--save-spans", file, slowDB)
	command(t, "simulate", "--policies", "none", "--seed", "4", "--save-spans", wire, slowDB)
	var spans, faulty, waited int64
	if _, err := fmt.Sscanf(told, "scale-eval: %d spans written to "+file+": %d of the fault, %d that waited", &spans, &faulty, &waited); err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	info := func(name string) (i datasetInfo) {
		out, _ := command(t, "datasets", "info", "--output", "json", name)
		if err := json.Unmarshal([]byte(out), &i); err != nil {
			t.Fatal(err)
		}
		return i
	}
	as, raw := info(file), info(wire)
	if as.Spans != spans || as.Labels["anomalous"] != faulty || as.Labels["propagated"] != waited || faulty < 2000 || as.Bad != 0 {
		t.Errorf("told %s; the dataset has %+v", told, as)
	}
	if raw.Spans != spans || raw.Labels["unlabelled"] != spans || raw.MeanMs != as.MeanMs || raw.Calls != as.Calls || raw.Bad != 0 {
		t.Errorf("as OTLP %+v, as Parquet %+v", raw, as)
	}
	// 40 ms of work become 120 ms, and the queue grows: any sampler that
	// knows calls finds most of it.
	out, _ := command(t, "run", "--dataset", file, "--protocol", "labels", "--train", "0.35", "--out", "", "--output", "json")
	var result eval.Result
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	best := result.Samplers[0].Best
	if c := best.Confusion; c.TP+c.FN != faulty || float64(best.Metrics.F1.Value) < .6 {
		t.Errorf("%d positives of %d, best F1 %v", c.TP+c.FN, faulty, best.Metrics.F1.Value)
	}
}

// TestSimulateKilled kills a comparison in the middle (SIGKILL), tears the last line of
// its record, and calls it again: no finished run is played twice, and the results are
// those of a comparison that nobody disturbed, byte for byte.
func TestSimulateKilled(t *testing.T) {
	dir := t.TempDir()
	args := func(out string) []string {
		return []string{"simulate", "--policies", "scale,hpa,none", "--seeds", "8", "--out", filepath.Join(dir, out), slowDB}
	}
	command(t, args("whole")...)
	record := filepath.Join(dir, "killed", recordName)
	kill(t, args("killed"), func() bool { // the header, a calibration, four runs
		text, _ := os.ReadFile(record)
		return bytes.Count(text, []byte("\n")) >= 6
	})
	before, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(before, []byte("\n")); n >= 26 {
		t.Fatalf("all of it was done before the kill: %d lines", n)
	}
	before = before[:len(before)-7]
	if err := os.WriteFile(record, before, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, args("killed")...)
	for _, name := range []string{"summary.json", "summary.md", "report.html", auditName("slow-db"), "figures/timeline_slow-db_scale.svg"} {
		sameFile(t, filepath.Join(dir, "whole", name), filepath.Join(dir, "killed", name))
	}
	after, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	whole := before[:bytes.LastIndexByte(before, '\n')+1]
	if runs := bytes.Count(after, []byte(`{"run":`)); !bytes.HasPrefix(after, whole) || runs != 24 {
		t.Errorf("%d runs in the record, want 24 behind what was there", runs)
	}
}

// TestSimulateInterrupted: what is kept is told, in one line.
func TestSimulateInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	var stdout, stderr strings.Builder
	err := run(ctx, []string{"scale-eval", "simulate", "--seeds", "2", "--policies", "none,scale", "--out", out, slowDB}, strings.NewReader(""), &stdout, &stderr)
	want := "scale-eval: interrupted; 0 of 4 runs are in " + filepath.Join(out, recordName) + "; the same command goes on from there\n"
	if exitCode(err) != exitFailure || stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("exit code %d, %q", exitCode(err), stderr.String())
	}
}
