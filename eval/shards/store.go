package shards

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/scale-eval/scale-eval/eval"
)

// Store keeps what shards share: a folder. A file is there whole or not at all, and
// writing it twice leaves the later one, so that a shard can run any number of times.
//
//	plan.json            what all agree on
//	model                snapshot of the trained sampler
//	shard-00003.tally    counts of a shard, written last: its presence says that the shard is done
//	shard-00003.traces   the traces that it saw
//	shard-00003.parquet  the spans that it flagged
//	metrics.json         of all shards
//
// What only this package reads is compressed, with a checksum.
type Store struct{ dir string }

// The files of a Store.
const (
	PlanFile    = "plan.json"
	ModelFile   = "model"
	MetricsFile = "metrics.json"
)

// TallyFile is the name of a shard's counts.
func TallyFile(i int) string { return fmt.Sprintf("shard-%05d.tally", i) }

// TracesFile is the name of a shard's list of traces.
func TracesFile(i int) string { return fmt.Sprintf("shard-%05d.traces", i) }

// FlagsFile is the name of a shard's flagged spans.
func FlagsFile(i int) string { return fmt.Sprintf("shard-%05d.parquet", i) }

// OpenStore opens the store at a URL, file:///path, or a plain path. The folder is
// made when something is written to it.
func OpenStore(at string) (*Store, error) {
	if scheme, rest, ok := strings.Cut(at, "://"); ok {
		u, err := url.Parse(at)
		if err != nil || scheme != "file" || u.Host != "" || !strings.HasPrefix(rest, "/") {
			return nil, fmt.Errorf("storage %q: want a folder, as a path or as file:///path", at)
		}
		at = u.Path
	}
	if at == "" {
		return nil, errors.New("storage: want a folder, as a path or as file:///path")
	}
	return &Store{filepath.FromSlash(at)}, nil
}

// Path is where a file of the store is.
func (s *Store) Path(name string) string { return filepath.Join(s.dir, name) }

// Has says whether a file is there.
func (s *Store) Has(name string) (bool, error) {
	_, err := os.Stat(s.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Write makes a file of what f writes.
func (s *Store) Write(name string, f func(io.Writer) error) (err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(s.dir, "."+name+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err := f(tmp); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.Path(name))
}

func (s *Store) writePacked(name string, f func(io.Writer) error) error {
	return s.Write(name, func(w io.Writer) error {
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one that exists
		if err := f(z); err != nil {
			return err
		}
		return z.Close()
	})
}

// packed is a compressed file being read.
type packed struct {
	*gzip.Reader
	file *os.File
}

func (p *packed) Close() error { return errors.Join(p.Reader.Close(), p.file.Close()) }

func (s *Store) openPacked(name string) (*packed, error) {
	f, err := os.Open(s.Path(name))
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
	return fmt.Errorf("%s: %w: remove it and run that step again", s.Path(name), err)
}

// WritePlan writes the plan.
func (s *Store) WritePlan(p *Plan) error {
	return s.Write(PlanFile, func(w io.Writer) error { return json.NewEncoder(w).Encode(p) })
}

// ReadPlan reads the plan; its error wraps fs.ErrNotExist if there is none yet.
func (s *Store) ReadPlan() (*Plan, error) {
	b, err := os.ReadFile(s.Path(PlanFile))
	if err != nil {
		return nil, err
	}
	p := &Plan{}
	if err := json.Unmarshal(b, p); err != nil {
		return nil, s.damaged(PlanFile, err)
	}
	if p.Version != PlanVersion {
		return nil, fmt.Errorf("%s: plan of version %d, this program reads version %d", s.Path(PlanFile), p.Version, PlanVersion)
	}
	return p, nil
}

// WriteModel keeps the snapshot of the trained sampler.
func (s *Store) WriteModel(snapshot []byte) error {
	return s.Write(ModelFile, func(w io.Writer) error { _, err := w.Write(snapshot); return err })
}

// ReadModel reads it. A snapshot has a checksum of its own.
func (s *Store) ReadModel() ([]byte, error) { return os.ReadFile(s.Path(ModelFile)) }

// WriteShard writes the outcome of shard i, whose flagged spans are written already.
func (s *Store) WriteShard(i int, t *eval.Tally, traces *Traces) error {
	if err := s.writePacked(TracesFile(i), traces.Write); err != nil {
		return err
	}
	return s.writePacked(TallyFile(i), t.Write)
}

// Missing lists the shards that are not done.
func (s *Store) Missing(p *Plan) (missing []int, err error) {
	for i := range p.Shards {
		done, err := s.Has(TallyFile(i))
		if err != nil {
			return nil, err
		}
		if !done {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

// Collect adds up all shards. It errs if one is missing, damaged, or of other spans.
func (s *Store) Collect(p *Plan) (*eval.Tally, TraceCount, error) {
	missing, err := s.Missing(p)
	if err != nil {
		return nil, TraceCount{}, err
	}
	if len(missing) > 0 {
		return nil, TraceCount{}, fmt.Errorf("%d of %d shards are not done, the first: %d", len(missing), len(p.Shards), missing[0])
	}
	var all *eval.Tally
	for i, shard := range p.Shards {
		t, err := s.readTally(i)
		if err != nil {
			return nil, TraceCount{}, err
		}
		if t.Test() != shard.Spans() {
			return nil, TraceCount{}, s.damaged(TallyFile(i), fmt.Errorf("of %d spans, the shard has %d", t.Test(), shard.Spans()))
		}
		if all == nil {
			all = t
		} else {
			all.Merge(t)
		}
	}
	n, err := s.countTraces(p)
	return all, n, err
}

func (s *Store) readTally(i int) (*eval.Tally, error) {
	r, err := s.openPacked(TallyFile(i))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	t, err := eval.ReadTally(r)
	if err == nil {
		_, err = io.Copy(io.Discard, r) // to the checksum
	}
	if err != nil {
		return nil, s.damaged(TallyFile(i), err)
	}
	return t, nil
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
		err = fmt.Errorf("traces of the shards in %s: %w", s.dir, err)
	}
	return n, err
}
