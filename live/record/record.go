// Package record writes what live mode judged, so that it can be judged again: the
// spans as the Parquet that every part of scale-eval reads, and the decisions as a
// score file beside it.
//
//  1. A [Recorder] is the recorder of a live/otlp.Stage. Each span that the sampler
//     scored becomes a row of spans-N.parquet and one of scores-N.parquet, in the order
//     in which it was scored; spans that were refused before that have no decision;
//  2. after RowsPerFile rows the pair is closed and the next begun: a file whose
//     writer is killed has no footer and is lost;
//  3. a sampler that starts from the same snapshot and reads the spans in order,
//     learning or not as live mode did, decides the same, bit by bit.
//
// Recording never stops the sampler: when the disk is full, recording ends, and rows
// that are not written are counted.
package record

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/scores"
	"github.com/scale-eval/scale-eval/live"
)

// DefaultRowsPerFile keeps a file below some 200 MB.
const DefaultRowsPerFile = 4 << 20

// Options of a Recorder.
type Options struct {
	// Create opens a file for writing; see [InFolder].
	Create func(name string) (io.WriteCloser, error)
	// RowsPerFile is after how many rows the next pair of files is begun. More: fewer
	// files, and more to lose when the process is killed. Default DefaultRowsPerFile.
	RowsPerFile int64
	// Meta goes into the spans' files, such as the sampler's options; may be nil.
	Meta map[string]string
}

// Recorder writes. Not safe for concurrent use: it belongs to the goroutine that
// judges, and to whoever calls Close after that has ended.
type Recorder struct {
	opt  Options
	n    int // of the current pair; 0: none yet
	open *pair
	rows int64
	lost int64
	err  error // the first; nothing is written after it
}

// pair is one file of spans and one of scores.
type pair struct {
	spans, scores io.WriteCloser
	span          *datasets.ParquetWriter
	score         *scores.Writer
}

// New makes a Recorder. Files are made when there is something to write.
func New(o Options) *Recorder {
	if o.RowsPerFile <= 0 {
		o.RowsPerFile = DefaultRowsPerFile
	}
	return &Recorder{opt: o}
}

// Judged writes s, unless it was not scored.
func (r *Recorder) Judged(s *live.Span, err error) {
	if errors.Is(err, live.ErrNegative) || errors.Is(err, live.ErrDuplicate) {
		return
	}
	if r.err == nil {
		r.err = r.write(s)
	}
	if r.err != nil {
		r.lost++
		return
	}
	r.rows++
}

func (r *Recorder) write(s *live.Span) error {
	if r.open != nil && r.open.span.Rows() >= r.opt.RowsPerFile {
		if err := r.finish(); err != nil {
			return err
		}
	}
	if r.open == nil {
		if err := r.begin(); err != nil {
			return err
		}
	}
	score := s.Decision.Score
	if s.Decision.WarmUp {
		score = math.NaN()
	}
	return errors.Join(r.open.span.Write(&s.Span), r.open.score.Write(&s.Span, score, s.Decision.Keep))
}

func (r *Recorder) begin() error {
	r.n++
	spans, err := r.opt.Create(fmt.Sprintf("spans-%05d.parquet", r.n))
	if err != nil {
		return err
	}
	sc, err := r.opt.Create(fmt.Sprintf("scores-%05d.parquet", r.n))
	if err != nil {
		return errors.Join(err, spans.Close())
	}
	r.open = &pair{spans, sc, datasets.NewParquetWriter(spans, r.opt.Meta), scores.NewWriter(sc)}
	return nil
}

// finish writes the footers.
func (r *Recorder) finish() error {
	p := r.open
	r.open = nil
	return errors.Join(p.span.Close(), p.score.Close(), p.spans.Close(), p.scores.Close())
}

// Rows is how many spans were taken for writing.
func (r *Recorder) Rows() int64 { return r.rows }

// Lost is how many spans came after the error that ended the recording.
func (r *Recorder) Lost() int64 { return r.lost }

// Err is why the recording ended; nil: it goes on.
func (r *Recorder) Err() error { return r.err }

// Close ends the recording and returns what Err does.
func (r *Recorder) Close() error {
	if r.open != nil {
		r.err = errors.Join(r.err, r.finish())
	}
	if r.err == nil {
		r.err = errClosed
		return nil
	}
	if errors.Is(r.err, errClosed) {
		return nil
	}
	return fmt.Errorf("recording: %w", r.err)
}

var errClosed = errors.New("record: closed")

// InFolder is a Create for dir, which it makes. It never overwrites a file. Names get
// the ending .part until the file is whole.
func InFolder(dir string) func(name string) (io.WriteCloser, error) {
	return func(name string) (io.WriteCloser, error) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s: a recording is there already: choose another folder", path)
		}
		f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("%s.part: what a recording left that was killed: remove it, or choose another folder", path)
		}
		if err != nil {
			return nil, err
		}
		return &part{f, path}, nil
	}
}

// part is a file that gets its name when it is whole.
type part struct {
	*os.File
	path string
}

func (p *part) Close() error {
	if err := p.File.Close(); err != nil {
		return err
	}
	return os.Rename(p.path+".part", p.path)
}
