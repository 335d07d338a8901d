package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/scores"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/objects"
	"github.com/scale-eval/scale-eval/reports"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "train the sampler on a dataset, score its spans, report beside baselines",
		Description: `Without options it runs on the built-in synthetic workload. On real traces:

  scale-eval run --dataset tracemesh --data DIR --protocol paper
  scale-eval run --dataset nezha:tt-2023-01-30 --data DIR
  scale-eval run --dataset ./my-jaeger-export.json --shock-factor 3

Protocols:
  paper        shocks of the SCALE paper: the first quarter trains, 5 % of the
               rest become (duration + 5 ms) x U(8,10)
  labels       the dataset's own labels, or its faults (Nezha)
  prequential  test-then-train from the first span on
  auto         labels where the dataset has any, paper elsewhere

The folder --out gets report.html, figures (PNG, SVG), metrics.json,
scores.parquet and run.json; "scale-eval run --replay run.json" gives the same
bytes again.

Data larger than memory are Parquet, a file or a folder of files; above 16 million
spans, or with --stream always, their scores are counted instead of kept: memory does
not grow with the data, there are no baselines and figures, and what is flagged is in
flagged.parquet. --shards N does that in N parts; --local M in M processes:
  scale-eval datasets convert --dataset synth --spans 100000000 \
      --partition-by hour --partition-rows 4000000 --out big
  scale-eval run --dataset big --shards 16 --local 2 --storage big-run
--config takes the tuned.yaml of "scale-eval tune".`,
		Flags:        runFlags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if c.IsSet("replay") {
				return replayRun(c)
			}
			if err := applyConfig(c); err != nil {
				return err
			}
			streamed, err := streams(c)
			if err != nil {
				return err
			}
			if streamed {
				return runStreamed(c, nil)
			}
			return runEvaluation(c, nil)
		},
	}
}

func runFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "out", Value: "out", Usage: "`DIR` or URL of a bucket's folder for the report; \"\" writes no files"},
		outputFlag(), configFlag(),
		&cli.StringFlag{Name: "replay", Usage: "repeat the run that wrote this run.json `FILE`; only --out, --output and --data may be given with it"},
		&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "seed of trees, shocks, random baseline and bootstrap"},
	}
	flags = append(flags, inputFlags("synth")...)
	flags = append(flags, callFlags()...)
	flags = append(flags, protocolFlags()...)
	flags = append(flags, samplerFlags()...)
	flags = append(flags, &cli.StringFlag{Name: "baselines", Value: "all", Category: evaluationCategory,
		Usage: "`WHICH` baselines stand beside the sampler: all, or none to spare their time"})
	flags = append(flags, evaluationFlags()...)
	return append(flags, shardFlags()...)
}

const evaluationCategory = "EVALUATION"

func evaluationFlags() []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "baseline-share", Value: 0.01, Category: evaluationCategory,
			Usage: "share of the training spans that each baseline's cut-off keeps, `0..1`"},
		&cli.IntFlag{Name: "bootstrap", Value: 200, Category: evaluationCategory,
			Usage: "bootstrap `REPLICATES` for 95 % intervals (0: none)"},
	}
}

// maxBootstrap bounds memory: a replicate takes some 200 bytes a sampler.
const maxBootstrap = 100_000

// checkEvaluation checks the evaluationFlags.
func checkEvaluation(c *cli.Context) error {
	if s := c.Float64("baseline-share"); !(s >= 0 && s <= 1) {
		return usagef("--baseline-share %v: want 0 to 1", s)
	}
	return checkBootstrap(c)
}

// replicates are those of eval.SummaryOptions that --bootstrap asks for.
func replicates(c *cli.Context) int {
	if n := c.Int("bootstrap"); n > 0 {
		return n
	}
	return -1
}

func checkBootstrap(c *cli.Context) error {
	if n := c.Int("bootstrap"); n < 0 || n > maxBootstrap {
		return usagef("--bootstrap %d: want 0 (no intervals) to %d", n, maxBootstrap)
	}
	return nil
}

// evaluation is one run from open dataset to result.
type evaluation struct {
	c       *cli.Context
	ds      *catalog.Dataset
	calls   *trace.Calls
	census  *census
	split   *split
	plan    eval.Plan
	outcome *eval.Outcome
	result  *eval.Result
	timing  *eval.Timing // what the report shows
	written []string     // names of the files in --out
	sums    func() ([]recordedFile, error)
}

// runEvaluation does the whole job. original is the record that is being
// replayed, or nil.
func runEvaluation(c *cli.Context, original *runRecord) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	out, err := openOut(c)
	if err != nil {
		return err
	}
	defer out.close()
	e, err := prepare(c)
	if err != nil {
		return err
	}
	// Only a record takes the checksums of the data, which take as long as decoding it.
	recorded := c.String("out") != "" || original != nil
	if recorded {
		e.sums = ahead(func() ([]recordedFile, error) { return checksums(e.ds) })
	}
	if err := e.evaluate(); err != nil {
		return err
	}
	measured := e.timing
	var record *runRecord
	if recorded {
		if record, err = e.recordOutputs(original); err != nil {
			return err
		}
	}
	if err := out.publish(c.Context); err != nil {
		return err
	}
	if asJSON {
		return reports.WriteJSON(c.App.Writer, e.result)
	}
	if err := reports.Text(c.App.Writer, e.result, measured, reports.TextOptions{
		Width: termWidth(c.App.Writer, 110), Color: isTerminal(c.App.Writer),
	}); err != nil {
		return err
	}
	return e.sayWhere(out, record, original)
}

// recordOutputs fills --out, if there is one, and returns the record of the run.
func (e *evaluation) recordOutputs(original *runRecord) (*runRecord, error) {
	record, err := newRecord(e)
	if err != nil {
		return nil, err
	}
	if original != nil {
		if err := record.sameInput(original); err != nil {
			return nil, err
		}
		// A report of a run shows the times of that run, so that it can be repeated
		// byte for byte; the new times are in the terminal.
		record.Timing = original.Timing
	}
	e.timing = record.Timing
	return record, e.writeReport(record)
}

// prepare opens the dataset and takes the census that the protocol needs.
func prepare(c *cli.Context) (*evaluation, error) {
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	if err := checkEvaluation(c); err != nil {
		return nil, err
	}
	if b := c.String("baselines"); b != "all" && b != "none" {
		return nil, usagef("--baselines %q: want all or none", b)
	}
	e, err := newEvaluation(c)
	if err != nil {
		return nil, err
	}
	if stated, _ := e.ds.Stated(); stated.Positive || c.String("protocol") == "paper" {
		if e.census, e.split = expected(c, e.ds); e.census != nil && e.split.test > 0 {
			return e, nil
		}
	}
	return e, e.count()
}

func newEvaluation(c *cli.Context) (*evaluation, error) {
	calls, err := newCalls(c)
	if err != nil {
		return nil, err
	}
	ds, err := openDataset(c)
	return &evaluation{c: c, ds: ds, calls: calls}, err
}

// openEvaluation is prepare for flags that were checked, and does not trust what the files
// state of themselves.
func openEvaluation(c *cli.Context) (*evaluation, error) {
	e, err := newEvaluation(c)
	if err != nil {
		return nil, err
	}
	return e, e.count()
}

// count takes the census and splits the dataset by it.
func (e *evaluation) count() (err error) {
	if e.census, err = takeCensus(e.c, e.ds, e.calls, nil); err != nil {
		return err
	}
	if e.split, err = newSplit(e.c, e.ds, e.census); err == nil && e.split.test == 0 {
		err = fmt.Errorf("dataset %s: %w", e.ds.Name, e.split.noTest(e.census))
	}
	return err
}

// source is one pass over the dataset; each range starts anew.
func (e *evaluation) source() trace.Source { return passes(e.ds, e.calls, samplerColumns) }

func passes(ds *catalog.Dataset, calls *trace.Calls, want datasets.Columns) trace.Source {
	return passesOf(func() (datasets.Reader, error) { return ds.Open(want) }, calls)
}

func passesOf(open func() (datasets.Reader, error), calls *trace.Calls) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		r, err := open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		datasets.DecodedAhead(r, calls)(yield)
	}
}

func (e *evaluation) evaluate() error {
	err := e.playAll()
	if e.census.expected && e.c.Context.Err() == nil && (err != nil || !e.asExpected()) {
		// The files do not keep what they state: count, and begin anew.
		e.outcome = nil
		if e.calls, err = newCalls(e.c); err != nil {
			return err
		}
		if err = e.count(); err != nil {
			return err
		}
		err = e.playAll()
	}
	if err != nil {
		return err
	}
	return e.reduce()
}

// asExpected says whether a census would have found what was expected, as far as anything
// depends on it.
func (e *evaluation) asExpected() bool {
	return e.calls.Overflowed() == 0 && (e.split.shocks != nil || e.outcome.Counts.Positives > 0)
}

func (e *evaluation) playAll() error {
	entrants, err := newEntrants(e.c, e.calls, e.split)
	if err != nil {
		return err
	}
	return e.play(entrants, "scoring")
}

// play sends the spans through the entrants.
func (e *evaluation) play(entrants []eval.Entrant, what string) (err error) {
	bar := newProgress(e.c.App.ErrWriter, what, e.split.train+e.split.test)
	start := time.Now()
	// Batches are decoded on another core; spans are made where they are used, because
	// handing each over costs more than making it.
	spans := take(e.split.labelled(e.source()), 0, e.split.train+e.split.test)
	e.plan = eval.Plan{
		Whole:     spans,
		Steady:    e.split.steady(),
		Entrants:  entrants,
		Mode:      e.split.mode,
		Seed:      e.c.Uint64("seed"),
		Faults:    e.split.faults,
		TestSpans: e.split.test, TrainSpans: e.split.train,
		Clock:    func() int64 { return int64(time.Since(start)) },
		Progress: bar.set,
	}
	if e.outcome, err = eval.Run(e.c.Context, e.plan); err != nil {
		return err
	}
	bar.finish()
	e.timing = e.outcome.Timing
	if n := e.outcome.Counts; n.Train+n.Test != e.split.train+e.split.test {
		return fmt.Errorf("dataset %s had %d spans to train and test on and now has %d: it changed while it was read, or its files state wrong bounds",
			e.ds.Name, e.split.train+e.split.test, n.Train+n.Test)
	}
	return nil
}

func (e *evaluation) reduce() error {
	r, err := e.outcome.Result(eval.SummaryOptions{Seed: e.c.Uint64("seed"), Replicates: replicates(e.c)})
	if err != nil {
		return err
	}
	e.result = r
	if len(e.split.faults) > 0 {
		r.LabelAccount = labelAccount(e.ds.Faults(), e.outcome)
	}
	e.describe()
	return nil
}

// describe fills what the result cannot know of its data.
func (e *evaluation) describe() {
	r := e.result
	r.Dataset = e.ds.Name
	r.Protocol = e.split.protocol
	r.Options = resultOptions(e.c, e.split)
	r.Counts.Read, r.Counts.Train = e.census.read, e.split.train
	r.Counts.Bad = e.census.bad.Total
	r.Counts.Filtered = e.census.read - e.split.train - e.split.test
	r.Counts.Calls = int64(e.calls.Len() - 1)
	r.Counts.Overflow = e.census.overflow
	r.Warnings = append(r.Warnings, e.notes()...)
}

// notes are what the reading of the data adds to the statistical warnings.
func (e *evaluation) notes() []string {
	return append(e.split.ignored(e.c), readingNotes(e.ds, e.census)...)
}

// readingNotes say how the data was read and what of it was left out.
func readingNotes(ds *catalog.Dataset, n *census) []string {
	notes := slices.Clone(ds.Notes())
	if b := n.bad; b.Total > 0 {
		notes = append(notes, fmt.Sprintf("%d malformed records were left out, the first: %v", b.Total, b.First[0]))
	}
	if n.overflow > 0 {
		notes = append(notes, fmt.Sprintf("%d spans share the overflow call: raise --max-calls", n.overflow))
	}
	// Where the data lies on this machine is no part of a result: a replay with
	// another --data must give the same bytes.
	for i := range notes {
		if ds.Path != "" {
			notes[i] = strings.ReplaceAll(notes[i], ds.Path, filepath.Base(ds.Path))
		}
	}
	return notes
}

// writeReport fills --out; run.json comes last, so that its presence says that the
// rest is whole.
func (e *evaluation) writeReport(record *runRecord) error {
	dir := e.c.String("out")
	if dir == "" {
		return nil
	}
	clear, err := supersede(dir)
	if err != nil {
		return err
	}
	const scoresFile = "scores.parquet"
	written := ahead(func() (struct{}, error) {
		return struct{}{}, writeFile(filepath.Join(dir, scoresFile), e.writeScores)
	})
	err = e.writePages("scale-eval run --replay run.json")
	if _, scoresErr := written(); err != nil || scoresErr != nil {
		return errors.Join(err, scoresErr)
	}
	e.written = append(e.written, scoresFile)
	if err := record.digest(dir, e.written); err != nil {
		return err
	}
	if err := clear(e.written); err != nil {
		return err
	}
	return e.writeOut(recordFile, record.write)
}

// writePages writes what can be drawn from the result and the scores alone.
func (e *evaluation) writePages(replay string) error {
	figures := reports.Figures(e.result, e.outcome.Scores)
	for _, fig := range figures {
		for _, format := range reports.Formats {
			if err := e.writeOut(fig.Name+"."+format, func(w io.Writer) error { return fig.Write(w, format) }); err != nil {
				return err
			}
		}
	}
	if err := e.writeOut("metrics.json", func(w io.Writer) error { return reports.WriteJSON(w, e.result) }); err != nil {
		return err
	}
	return e.writeOut("report.html", func(w io.Writer) error {
		return reports.HTML(w, e.result, e.timing, reports.HTMLOptions{Figures: figures, Replay: replay, Version: version})
	})
}

func (e *evaluation) writeOut(name string, f func(io.Writer) error) error {
	if err := e.c.Context.Err(); err != nil {
		return err
	}
	e.written = append(e.written, name)
	return writeFile(filepath.Join(e.c.String("out"), name), f)
}

// writeScores passes over the test part once more, for the ids and names that the
// scores do not keep.
func (e *evaluation) writeScores(w io.Writer) error {
	sw := scores.NewWriter(w)
	col := e.outcome.Scores.Columns[0]
	i := 0
	for s, err := range e.split.testPart(passes(e.ds, e.calls, 0)) {
		if err != nil {
			return err
		}
		if i == len(col.Score) {
			return fmt.Errorf("dataset %s has more spans than a moment ago: it changed while it was read", e.ds.Name)
		}
		if err := sw.Write(s, col.Score[i], col.Keep[i]); err != nil {
			return err
		}
		i++
	}
	if i != len(col.Score) {
		return fmt.Errorf("dataset %s has fewer spans than a moment ago: it changed while it was read", e.ds.Name)
	}
	return sw.Close()
}

func (e *evaluation) sayWhere(out *outFolder, record, original *runRecord) error {
	if out.at == "" {
		return nil
	}
	_, err := fmt.Fprintf(e.c.App.Writer, "\nreport   %s\n", objects.Join(out.at, "report.html"))
	if err != nil || original == nil {
		return err
	}
	if err := record.sameOutput(original); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.c.App.Writer, "replay   every file has the bytes of the original run")
	return err
}

// ahead calls f in a goroutine of its own. What it returns waits for f.
func ahead[T any](f func() (T, error)) func() (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		v, err := f()
		done <- outcome{v, err}
	}()
	return sync.OnceValues(func() (T, error) {
		o := <-done
		return o.value, o.err
	})
}
