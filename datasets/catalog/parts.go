package catalog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/objects"
)

// part is one Parquet file of a dataset: the whole, or one of a folder such as
// hour=2024-05-01T07/part-0.parquet.
type part struct {
	path   string // or URL
	info   objects.Info
	rows   int64
	groups []int64          // rows of each row group
	stated *datasets.Stated // of the rows; nil: the file does not state enough
	open   func() (objects.File, error)
}

// openAtOnce is how many footers are read at a time: a store takes its time for each.
const openAtOnce = 16

// findParts lists the files of a Parquet dataset, by path with numbers in it compared as
// numbers, and reads how many rows they have. Names that begin with "_" or "." are no data, by the
// convention of those who write such folders.
func (d *Dataset) findParts() error {
	where := d.opt.Where
	if d.Format != Parquet {
		if !where.All() {
			return fmt.Errorf("only Parquet datasets can be read in part: convert it first with scale-eval datasets convert")
		}
		return nil
	}
	list := d.localParts
	if objects.Remote(d.Path) {
		list = d.remoteParts
	}
	var err error
	if d.parts, err = list(); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(openAtOnce)
	for i := range d.parts {
		p := &d.parts[i]
		g.Go(func() error {
			r, err := d.openPart(p, 0)
			if err != nil {
				return err
			}
			p.rows, p.groups = r.NumRows(), r.GroupRows()
			if s, ok := r.Stated(); ok {
				p.stated = &s
			}
			return r.Close()
		})
	}
	return g.Wait()
}

// isData says whether a file of a folder is one of its dataset.
func isData(name string) bool {
	base := path.Base(name)
	return !strings.HasPrefix(base, "_") && !strings.HasPrefix(base, ".")
}

func (d *Dataset) localParts() ([]part, error) {
	info, err := os.Stat(d.Path)
	if err != nil {
		return nil, err
	}
	files := []string{d.Path}
	if info.IsDir() {
		if files, err = input.ListFunc(d.Path, isData, lessNatural); err != nil {
			return nil, err
		}
	}
	var parts []part
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: Parquet is read by position and must be a plain file, not %s", f, info.Mode().Type())
		}
		parts = append(parts, part{path: f, info: objects.Info{Name: f, Size: info.Size(), Modified: info.ModTime()},
			open: func() (objects.File, error) { return objects.OpenFile(f) }})
	}
	return parts, nil
}

// Rows is how many rows the files of a Parquet dataset have; -1 of another format.
func (d *Dataset) Rows() (n int64) {
	if d.Format != Parquet {
		return -1
	}
	for _, p := range d.parts {
		n += p.rows
	}
	return n
}

// Stated is what the footers of a Parquet dataset say of all its rows. It is not ok where
// a file does not say it, or not all rows are asked for.
func (d *Dataset) Stated() (all datasets.Stated, ok bool) {
	for _, p := range d.parts {
		if p.stated == nil {
			return all, false
		}
		all = all.And(*p.stated)
	}
	return all, len(d.parts) > 0 && d.opt.Where.All()
}

// Cuts divides the rows of a Parquet dataset among n readers: the first row of each and,
// behind them, the number of rows. They are cut where a row group begins, next to where
// the shares would be equal, so there may be fewer; there is one if it is no Parquet.
func (d *Dataset) Cuts(n int) (rows []int64) {
	all, at := d.Rows(), int64(0)
	best := make([]int64, max(n-1, 0)) // of the cuts between readers
	for _, p := range d.parts {
		for _, size := range p.groups {
			for i := range best {
				if want := all / int64(n) * int64(i+1); abs(at-want) < abs(best[i]-want) {
					best[i] = at
				}
			}
			at += size
		}
	}
	rows = append(rows, 0)
	for _, row := range best {
		if row > rows[len(rows)-1] {
			rows = append(rows, row)
		}
	}
	return append(rows, all)
}

func abs(n int64) int64 { return max(n, -n) }

// OpenRows is Open for rows [from, to) of a Parquet dataset, whose files are one after
// another. It panics for other formats, which cannot be entered in the middle.
func (d *Dataset) OpenRows(want datasets.Columns, from, to int64) (datasets.Reader, error) {
	if d.Format != Parquet {
		panic("catalog: OpenRows of a dataset that is not Parquet")
	}
	return d.openParts(want, from, to)
}

func (d *Dataset) openParts(want datasets.Columns, from, to int64) (datasets.Reader, error) {
	r := &partReader{d: d, want: want, left: d.parts, from: from, to: to}
	// The first file is opened at once, so that what is wrong with it is said here.
	if err := r.advance(); err != nil && err != io.EOF {
		return nil, err
	}
	return r, nil
}

// partReader reads the files of a Parquet dataset one after another.
type partReader struct {
	d        *Dataset
	want     datasets.Columns
	left     []part
	from, to int64 // rows to read, counted from the first row of left
	cur      *datasets.ParquetReader
	bad      trace.Bad // of the files before cur
}

// advance opens the next file with a row that is asked for; io.EOF when there is none.
func (r *partReader) advance() error {
	for len(r.left) > 0 && r.to > 0 {
		p, from, to := r.left[0], r.from, r.to
		r.left = r.left[1:]
		r.from, r.to = max(from-p.rows, 0), to-p.rows
		if from >= p.rows {
			continue
		}
		cur, err := r.d.openPart(&p, r.want)
		if err != nil {
			return err
		}
		if cur.NumRows() != p.rows {
			return errors.Join(fmt.Errorf("%s has %d rows and had %d a moment ago: it changed while it was read", p.path, cur.NumRows(), p.rows), cur.Close())
		}
		cur.Only(from, to, r.d.opt.Where)
		r.cur = cur
		return nil
	}
	return io.EOF
}

func (r *partReader) Next() (arrow.Record, error) {
	for {
		if r.cur == nil {
			if err := r.advance(); err != nil {
				return nil, err
			}
		}
		rec, err := r.cur.Next()
		if err != io.EOF {
			return rec, err
		}
		if err := r.closeCurrent(); err != nil {
			return nil, err
		}
	}
}

func (r *partReader) closeCurrent() error {
	if r.cur == nil {
		return nil
	}
	r.bad.Merge(r.cur.Bad())
	err := r.cur.Close()
	r.cur = nil
	return err
}

func (r *partReader) Bad() *trace.Bad {
	all := r.bad
	if r.cur != nil {
		all.Merge(r.cur.Bad())
	}
	return &all
}

func (r *partReader) Close() error { return r.closeCurrent() }

func (d *Dataset) openPart(p *part, want datasets.Columns) (*datasets.ParquetReader, error) {
	f, err := p.open()
	if err != nil {
		return nil, err
	}
	r, err := datasets.NewParquetReader(f, f.Size(), f, p.path, want, d.opt.Strict)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// lessNatural orders names as people do: part-9 before part-10.
func lessNatural(a, b string) int {
	for a != "" && b != "" {
		x, restA := token(a)
		y, restB := token(b)
		m, errA := strconv.ParseUint(x, 10, 64)
		n, errB := strconv.ParseUint(y, 10, 64)
		switch {
		case errA == nil && errB == nil && m != n:
			if m < n {
				return -1
			}
			return 1
		case (errA != nil || errB != nil) && x != y:
			return strings.Compare(x, y)
		}
		a, b = restA, restB
	}
	return strings.Compare(a, b)
}

// token is a run of digits or one other byte, and what is behind it.
func token(s string) (first, rest string) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	n = max(n, 1)
	return s[:n], s[n:]
}
