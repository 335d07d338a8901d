package shards

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/objects"
)

// Store keeps what shards share: a folder, or one of a bucket. A file is there whole or not at all, and
// writing it twice leaves the later one, so that a shard can run any number of times.
//
//	plan.json            what all agree on
//	model                snapshot of the trained sampler
//	shard-00003.tally    counts of a shard, written last: its presence says that the shard is done
//	shard-00003.traces   the traces that it saw
//	shard-00003.parquet  the spans that it flagged
//	metrics.json         of all shards
//	timing.json          how long a run that did them all took, step by step
//
// A [Division] has plan.json and, of each shard and round,
//
//	round-000-shard-00003.part   its results
//
// What only this package reads is in the form of gzip, for its checksum, and compressed
// where that makes it smaller.
type Store struct{ files objects.Folder }

// The files of a Store.
const (
	PlanFile    = "plan.json"
	ModelFile   = "model"
	MetricsFile = "metrics.json"
	TimingFile  = "timing.json"
)

// TallyFile is the name of a shard's counts.
func TallyFile(i int) string { return fmt.Sprintf("shard-%05d.tally", i) }

// TracesFile is the name of a shard's list of traces.
func TracesFile(i int) string { return fmt.Sprintf("shard-%05d.traces", i) }

// FlagsFile is the name of a shard's flagged spans.
func FlagsFile(i int) string { return fmt.Sprintf("shard-%05d.parquet", i) }

// OpenStore opens the store at a path or URL, as [objects.Open] has them. A folder is made
// when something is written to it. ctx holds for all that the store does.
func OpenStore(ctx context.Context, at string) (*Store, error) {
	f, err := objects.Open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("storage %s: %w", at, err)
	}
	return &Store{f}, nil
}

// URL is where a file of the store is, "" the store itself.
func (s *Store) URL(name string) string { return s.files.URL(name) }

// Has says whether a file is there.
func (s *Store) Has(name string) (bool, error) {
	_, err := s.files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Open opens a file to be read at any position.
func (s *Store) Open(name string) (objects.File, error) { return s.files.Open(name) }

// Write makes a file of what f writes.
func (s *Store) Write(name string, f func(io.Writer) error) error {
	return objects.Write(s.files, name, f)
}

func (s *Store) writePacked(name string, level int, f func(io.Writer) error) error {
	return s.Write(name, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<16) // the compressor writes some 250 bytes at a time
		z, err := gzip.NewWriterLevel(b, level)
		if err != nil {
			return err
		}
		if err := f(z); err != nil {
			return err
		}
		return errors.Join(z.Close(), b.Flush())
	})
}

// packed is a compressed file being read.
type packed struct {
	*gzip.Reader
	file io.Closer
}

func (p *packed) Close() error { return errors.Join(p.Reader.Close(), p.file.Close()) }

func (s *Store) openPacked(name string) (*packed, error) {
	f, err := s.files.Stream(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(s.damaged(name, err), f.Close())
	}
	return &packed{z, f}, nil
}

func (s *Store) damaged(name string, err error) error {
	return fmt.Errorf("%s: %w: remove it and run that step again", s.URL(name), err)
}

// WritePlan writes the plan.
func (s *Store) WritePlan(p *Plan) error {
	return s.Write(PlanFile, func(w io.Writer) error { return json.NewEncoder(w).Encode(p) })
}

// ReadPlan reads the plan; its error wraps fs.ErrNotExist if there is none yet.
func (s *Store) ReadPlan() (*Plan, error) {
	kind, err := s.Kind()
	if err != nil {
		return nil, err
	}
	if kind != kindRun {
		return nil, &KindError{s.URL(""), kind}
	}
	p := &Plan{}
	if err := s.readPlan(p); err != nil {
		return nil, err
	}
	if p.Version != PlanVersion {
		return nil, fmt.Errorf("%s: plan of version %d, this program reads version %d", s.URL(PlanFile), p.Version, PlanVersion)
	}
	return p, nil
}

// WriteModel keeps the snapshot of the trained sampler.
func (s *Store) WriteModel(snapshot []byte) error {
	return s.Write(ModelFile, func(w io.Writer) error { _, err := w.Write(snapshot); return err })
}

// ReadModel reads it. A snapshot has a checksum of its own.
func (s *Store) ReadModel() ([]byte, error) { return objects.ReadAll(s.files, ModelFile) }

// WriteShard writes the outcome of shard i, whose flagged spans are written already.
func (s *Store) WriteShard(i int, t *eval.Tally, traces *Traces) error {
	if err := s.writePacked(TracesFile(i), gzip.NoCompression, traces.Write); err != nil {
		return err
	}
	return s.writePacked(TallyFile(i), gzip.BestSpeed, t.Write)
}

// names are those of all files.
func (s *Store) names() (map[string]bool, error) {
	files, err := s.files.List()
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[f.Name] = true
	}
	return there, nil
}

// Missing lists the shards that are not done.
func (s *Store) Missing(p *Plan) (missing []int, err error) {
	there, err := s.names()
	if err != nil {
		return nil, err
	}
	for i := range p.Shards {
		if !there[TallyFile(i)] {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

// Collect adds up all shards. It errs if one is missing, damaged, or of other spans.
func (s *Store) Collect(p *Plan) (tally *eval.Tally, traces TraceCount, err error) {
	missing, err := s.Missing(p)
	if err != nil {
		return nil, TraceCount{}, err
	}
	if len(p.Shards) == 0 {
		return nil, TraceCount{}, s.damaged(PlanFile, errors.New("a plan without shards"))
	}
	if len(missing) > 0 {
		return nil, TraceCount{}, fmt.Errorf("%d of %d shards are not done, the first: %d", len(missing), len(p.Shards), missing[0])
	}
	var g errgroup.Group
	g.Go(func() (err error) {
		traces, err = s.countTraces(p)
		return err
	})
	sums := make([]*eval.Tally, min(len(p.Shards), runtime.GOMAXPROCS(0)))
	for i := range sums {
		g.Go(func() (err error) {
			sums[i], err = s.sumOf(p, i, len(sums))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, TraceCount{}, err
	}
	for _, t := range sums[1:] {
		sums[0].Merge(t)
	}
	return sums[0], traces, nil
}

// sumOf adds up every step-th shard from first on.
func (s *Store) sumOf(p *Plan, first, step int) (sum *eval.Tally, err error) {
	before := int64(0)
	for i := first; i < len(p.Shards); i += step {
		if sum, err = s.addTally(sum, i); err != nil {
			return nil, err
		}
		if n, want := sum.Test()-before, p.Shards[i].Spans(); n != want {
			return nil, s.damaged(TallyFile(i), fmt.Errorf("of %d spans, the shard has %d", n, want))
		}
		before = sum.Test()
	}
	return sum, nil
}

// addTally adds shard i to sum, which is nil before the first.
func (s *Store) addTally(sum *eval.Tally, i int) (*eval.Tally, error) {
	r, err := s.openPacked(TallyFile(i))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if sum == nil {
		sum, err = eval.ReadTally(r)
	} else {
		err = sum.MergeFrom(r)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r) // to the checksum
	}
	if err != nil {
		return nil, s.damaged(TallyFile(i), err)
	}
	return sum, nil
}

func (s *Store) countTraces(p *Plan) (n TraceCount, err error) {
	var lists []io.Reader
	for i := range p.Shards {
		r, err := s.openPacked(TracesFile(i))
		if err != nil {
			return n, err
		}
		defer r.Close()
		lists = append(lists, r)
	}
	if n, err = CountTraces(lists, p.Shards); err != nil {
		err = fmt.Errorf("traces of the shards in %s: %w", s.URL(""), err)
	}
	return n, err
}
