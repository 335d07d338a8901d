package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/scores"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/eval/shards"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/reports"
)

const scaleCategory = "SCALE"

// The values of --stream.
const (
	streamAuto   = "auto"
	streamAlways = "always"
	streamNever  = "never"
)

// streamFrom is from how many rows on auto streams: below, the scores of all fit into
// a few hundred MB.
const streamFrom = 1 << 24

// defaultOverlap is how many rows a shard reads before its own.
const defaultOverlap = 1 << 18

func shardFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "stream", Value: streamAuto, Category: scaleCategory,
			Usage: "count scores instead of keeping them: `WHEN` always, never, or auto (Parquet of more than 16 million spans)"},
		&cli.IntFlag{Name: "shards", Category: scaleCategory,
			Usage: "score the test part in `N` parts of time that add up to the same result (streams)"},
		&cli.IntFlag{Name: "local", Category: scaleCategory,
			Usage: "run the shards in so many `PROCESSES` at a time, each of the size of a pod (0: one after another in this one)"},
		&cli.StringFlag{Name: "cpu", Value: defaultCPU, Category: scaleCategory,
			Usage: "`CORES` that a process of --local works on, as a pod of submit run does; the run takes --local times as many"},
		&cli.StringFlag{Name: "storage", Category: scaleCategory,
			Usage: "`URL` of what shards share, file:///path, s3://, gs:// or azblob://bucket/folder: what is done there already is not done again"},
		&cli.Int64Flag{Name: "overlap", Value: defaultOverlap, Category: scaleCategory,
			Usage: "`ROWS` that a shard reads before its own, for children that explain its spans; that they were enough is checked"},
	}
}

// streams says whether the run counts scores instead of keeping them.
func streams(c *cli.Context) (bool, error) {
	switch when := c.String("stream"); {
	case c.Int("shards") < 0 || c.Int("shards") > shards.Marks:
		return false, usagef("--shards %d: want 1 to %d", c.Int("shards"), shards.Marks)
	case c.Int("local") < 0 || c.Int64("overlap") < 0:
		return false, usagef("--local and --overlap: want 0 or more")
	case when == streamNever && (c.Int("shards") > 0 || c.String("storage") != ""):
		return false, usagef("--stream never contradicts --shards and --storage: drop one of them")
	case when == streamAlways || c.Int("shards") > 0 || c.String("storage") != "":
		return true, nil
	case when == streamNever:
		return false, nil
	case when != streamAuto:
		return false, usagef("--stream %q: want always, never or auto", when)
	}
	ds, err := openDataset(c)
	if err != nil {
		return false, err
	}
	return ds.Rows() > streamFrom, nil
}

// streamedRun is a run whose scores are counted, and whose test part may be in shards.
type streamedRun struct {
	*evaluation
	store *shards.Store
	plan  *shards.Plan
	// trained is the sampler of a run whose one shard is scored in this process.
	trained *eval.Entrant
}

func runStreamed(c *cli.Context, original *runRecord) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	if err := setStreamed(c); err != nil {
		return err
	}
	procs, err := workerProcs(c)
	if err != nil {
		return err
	}
	if local := c.Int("local"); local > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(min(local*procs, runtime.GOMAXPROCS(0))))
	}
	at := c.String("storage")
	if at == "" {
		if at, err = os.MkdirTemp("", "scale-eval-run-"); err != nil {
			return err
		}
		defer os.RemoveAll(at)
	}
	r, err := newStreamedRun(c, at)
	if err != nil {
		return err
	}
	watch := newStopwatch()
	var t shardTiming
	if err := r.findPlan(); err != nil {
		return err
	}
	t.Plan = watch.lap()
	if err := r.score(); err != nil {
		return err
	}
	t.Score = watch.lap()
	if err := r.report(original, asJSON); err != nil {
		return err
	}
	t.Collect = watch.lap()
	return r.store.Write(shards.TimingFile, func(w io.Writer) error { return printJSON(w, t) })
}

// setStreamed gives the options of a streamed run: what a report says of them must not
// depend on how streaming came about.
func setStreamed(c *cli.Context) error {
	for name, value := range map[string]string{"stream": streamAlways, "baselines": "none"} {
		if name == "baselines" && c.IsSet(name) && c.String(name) != value {
			return usagef("--baselines %s: a streamed run has none; --stream never keeps all scores", c.String(name))
		}
		if err := c.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// newStreamedRun opens the dataset.
func newStreamedRun(c *cli.Context, storage string) (*streamedRun, error) {
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	if err := checkBootstrap(c); err != nil {
		return nil, err
	}
	store, err := shards.OpenStore(c.Context, storage)
	if err != nil {
		return nil, err
	}
	calls, err := newCalls(c)
	if err != nil {
		return nil, err
	}
	ds, err := openDataset(c)
	if err != nil {
		return nil, err
	}
	if ds.Format != catalog.Parquet {
		return nil, usagef("dataset %s is %s: only Parquet is streamed; convert it first with scale-eval datasets convert", ds.Name, ds.Format)
	}
	e := &evaluation{c: c, ds: ds, calls: calls}
	e.sums = func() ([]recordedFile, error) { return checksums(ds) }
	return &streamedRun{evaluation: e, store: store}, nil
}

// findPlan takes the plan that is in the storage, or makes it.
func (r *streamedRun) findPlan() error {
	key, err := r.key()
	if err != nil {
		return err
	}
	plan, err := r.store.ReadPlan()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.makePlan(key)
	case err != nil:
		return err
	case plan.Key != key:
		return fmt.Errorf("storage %s holds another run: of other options, other data or another version; name an empty folder or remove it", r.c.String("storage"))
	}
	return r.usePlan(plan)
}

// planned has no rounds: a run is planned at once.
func (r *streamedRun) planned(dry bool) (key string, n int, missing []int, err error) {
	if key, err = r.key(); err != nil {
		return "", 0, nil, err
	}
	if dry {
		if plan, err := r.store.ReadPlan(); err == nil && plan.Key == key {
			r.plan = plan
		} else {
			return key, r.shardCount(), firstInts(r.shardCount()), nil
		}
	} else if r.plan == nil {
		if err := r.findPlan(); err != nil {
			return "", 0, nil, err
		}
	}
	missing, err = r.store.Missing(r.plan)
	return key, len(r.plan.Shards), missing, err
}

// firstInts are 0 to n-1.
func firstInts(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// key tells runs apart whose shards must not be mixed.
func (r *streamedRun) key() (string, error) {
	b, err := json.Marshal([]any{version, recordOptions(r.c), r.shardCount(), r.c.Int64("overlap"), r.ds.Files()})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

func (r *streamedRun) shardCount() int { return max(r.c.Int("shards"), 1) }

// makePlan takes the census, trains the sampler, and cuts the test part.
func (r *streamedRun) makePlan(key string) error {
	rows := markRows(r.ds.Rows())
	where, err := whereOf(r.c)
	if err != nil {
		return err
	}
	if where.Since != 0 || where.Until != 0 || len(where.Services) > 0 {
		if r.shardCount() > 1 {
			return usagef("--since, --until and --service go with one shard only, because shards are cut by row: write that part with datasets convert")
		}
		rows = []int64{0, r.ds.Rows()}
	}
	cores := newTurns()
	early, err := r.expectTraining(cores)
	if err != nil {
		return err
	}
	if r.census, err = takeCensusBeside(r.c, r.ds, r.calls, rows, cores, early.beside); err != nil {
		return err
	}
	if bad := r.census.bad; bad.Total > 0 {
		return fmt.Errorf("dataset %s has %d malformed rows, the first: %v: write it anew with datasets convert, which leaves them out", r.ds.Name, bad.Total, bad.First[0])
	}
	if r.split, err = newSplit(r.c, r.ds, r.census); err != nil {
		return err
	}
	if r.split.mode != eval.Frozen && r.shardCount() > 1 {
		return usagef("--learn %v: what is learned of the test part depends on all of it before; shards need a frozen model", r.split.mode)
	}
	marks := make([]shards.Mark, len(rows))
	for i, row := range rows {
		marks[i] = shards.Mark{Row: row, Index: row}
		if r.split.shocks != nil {
			marks[i].Index = r.census.keptAt[i] // the protocol leaves the others out
		}
	}
	if r.split.shocks == nil {
		marks[len(marks)-1].Index = r.census.read
	}
	plan := &shards.Plan{
		Version: shards.PlanVersion, Key: key, Options: recordOptions(r.c), Data: r.c.StringSlice("data"),
		Census: shards.Census{Read: r.census.read, Kept: r.census.kept, Positives: r.census.positives, Overflow: r.census.overflow},
		Train:  r.split.train, Test: r.split.test,
	}
	if plan.Shards, err = shards.Cut(marks, plan.Train, plan.Test, r.shardCount(), r.c.Int64("overlap")); err != nil {
		return err
	}
	for id := 1; id < r.calls.Len(); id++ {
		plan.Calls = append(plan.Calls, [2]string{r.calls.Service(trace.Call(id)), r.calls.Operation(trace.Call(id))})
	}
	if err := r.train(early); err != nil {
		return err
	}
	r.plan = plan
	return r.store.WritePlan(plan)
}

// markRows are evenly spread rows, the first and the end among them.
func markRows(n int64) (rows []int64) {
	const marks = shards.Marks
	for i := range int64(marks) {
		if row := n / marks * i; i == 0 || row > rows[len(rows)-1] {
			rows = append(rows, row)
		} else if row = n * i / marks; row > rows[len(rows)-1] {
			rows = append(rows, row)
		}
	}
	return append(rows, n)
}

// usePlan restores what the census knew.
func (r *streamedRun) usePlan(plan *shards.Plan) (err error) {
	r.plan = plan
	n := plan.Census
	r.census = &census{read: n.Read, kept: n.Kept, positives: n.Positives, overflow: n.Overflow, bad: &trace.Bad{}}
	for _, call := range plan.Calls { // in this order they get the numbers that they had
		r.calls.OfSanitised(call[0], call[1])
	}
	r.split, err = newSplit(r.c, r.ds, r.census)
	return err
}

// maxModelBytes is what a snapshot may make a shard allocate.
const maxModelBytes = 1 << 30

// entrant is the trained sampler, fresh for a shard.
func (r *streamedRun) entrant() (eval.Entrant, error) {
	if r.trained != nil && len(r.plan.Shards) == 1 {
		return *r.trained, nil
	}
	e, err := samplerEntrant(r.c, r.c.String("sampler"), r.calls)
	if err != nil {
		return e, err
	}
	snapshot, err := r.store.ReadModel()
	if err != nil {
		return e, err
	}
	if e.Name == adaptiveSampler {
		e.Sampler, err = hst.RestoreAdaptive(snapshot, r.calls, maxModelBytes)
	} else {
		e.Sampler, err = hst.RestoreSampler(snapshot, r.calls, maxModelBytes)
	}
	return e, err
}

// score runs the shards that are not done.
func (r *streamedRun) score() error {
	missing, err := r.store.Missing(r.plan)
	if err != nil {
		return err
	}
	if local := r.c.Int("local"); local > 0 {
		procs, err := workerProcs(r.c)
		if err != nil {
			return err
		}
		return workInProcesses(r.c, r.store.URL(""), missing, procs, func(int) {})
	}
	for _, i := range missing {
		if err := r.work(i); err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
	}
	return nil
}

// work scores shard i and writes its outcome.
func (r *streamedRun) work(i int) error {
	e, err := r.entrant()
	if err != nil {
		return err
	}
	shard := r.plan.Shards[i]
	reader, err := r.ds.OpenRows(samplerColumns, shard.Start.Row, shard.End)
	if err != nil {
		return err
	}
	defer reader.Close()
	src := datasets.DecodedAhead(reader, r.calls)
	if p := r.split.shocks; p != nil {
		src = inject.ApplyFrom(inject.Filter(src, p.MaxDuration), *p, shard.Start.Index)
	}
	traces := shards.NewTraces()
	defer traces.Close()
	bar := newProgress(r.c.App.ErrWriter, "scoring", shard.To-shard.Start.Index)
	var tally *eval.Tally
	err = r.store.Write(shards.FlagsFile(i), func(w io.Writer) error {
		flags := scores.NewWriter(w)
		tally, err = shards.Work(r.c.Context, shards.Job{
			Shard: shard, Train: r.plan.Train, Entrant: e, Mode: r.split.mode,
			Source: src, Steady: r.split.steady(), Traces: traces, Progress: bar.set,
			Flag: func(s *trace.Span, score float64) error { return flags.Write(s, score, true) },
		})
		if err != nil {
			return err
		}
		return flags.Close()
	})
	if err != nil {
		return err
	}
	bar.finish()
	return r.store.WriteShard(i, tally, traces)
}

// collect adds the shards up.
func (r *streamedRun) collect() error {
	tally, traces, err := r.store.Collect(r.plan)
	if err != nil {
		return err
	}
	e, err := samplerEntrant(r.c, r.c.String("sampler"), r.calls)
	if err != nil {
		return err
	}
	r.result = tally.Result(e, eval.SummaryOptions{Seed: r.c.Uint64("seed"), Replicates: replicates(r.c)})
	r.result.Counts.Traces = traces.Traces
	r.describe()
	if traces.Beyond > 0 {
		fmt.Fprintf(r.c.App.ErrWriter, "scale-eval: %d traces reach further back than the %d rows that shards read before their own: "+
			"what their first spans explain may be missing; raise --overlap\n", traces.Beyond, r.c.Int64("overlap"))
	}
	return nil
}

// report writes and prints the result.
func (r *streamedRun) report(original *runRecord, asJSON bool) error {
	out, err := openOut(r.c)
	if err != nil {
		return err
	}
	defer out.close()
	if err := r.collect(); err != nil {
		return err
	}
	if err := r.writeStreamed(original); err != nil {
		return err
	}
	if err := out.publish(r.c.Context); err != nil {
		return err
	}
	if asJSON {
		return reports.WriteJSON(r.c.App.Writer, r.result)
	}
	return reports.Text(r.c.App.Writer, r.result, nil, reports.TextOptions{
		Width: termWidth(r.c.App.Writer, 110), Color: isTerminal(r.c.App.Writer),
	})
}

// writeStreamed fills --out, run.json last.
func (r *streamedRun) writeStreamed(original *runRecord) error {
	metrics := func(w io.Writer) error { return reports.WriteJSON(w, r.result) }
	if err := r.store.Write(shards.MetricsFile, metrics); err != nil {
		return err
	}
	dir := r.c.String("out")
	if dir == "" {
		return nil
	}
	record, err := newRecord(r.evaluation)
	if err != nil {
		return err
	}
	if original != nil {
		if err := record.sameInput(original); err != nil {
			return err
		}
	}
	clear, err := supersede(dir)
	if err != nil {
		return err
	}
	if err := r.writeOut(shards.MetricsFile, metrics); err != nil {
		return err
	}
	if err := r.writeOut("flagged.parquet", r.writeFlags); err != nil {
		return err
	}
	if err := record.digest(dir, r.written); err != nil {
		return err
	}
	if err := clear(r.written); err != nil {
		return err
	}
	if err := r.writeOut(recordFile, record.write); err != nil || original == nil {
		return err
	}
	return record.sameOutput(original)
}

// writeFlags puts the flagged spans of all shards together: the same bytes for any
// number of them.
func (r *streamedRun) writeFlags(w io.Writer) error {
	return scores.Concat(w, len(r.plan.Shards), func(i int) (scores.Source, error) { return r.store.Open(shards.FlagsFile(i)) })
}
