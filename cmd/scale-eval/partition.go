package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/objects"
)

// partitionFlags make convert write a folder of files.
func partitionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.Int64Flag{Name: "partition-rows", Usage: "write a folder of Parquet files of at most so many `ROWS` (0: one file)"},
		&cli.StringFlag{Name: "partition-by", Usage: "write a folder with a sub-folder a start `TIME`, hour or day (hour=2024-05-01T07/part-00000.parquet)"},
	}
}

// partitionLayouts are the names of sub-folders, without characters that paths of
// object stores or of Windows mind.
var partitionLayouts = map[string]string{"": "", "hour": "hour=2006-01-02T15", "day": "day=2006-01-02"}

func checkPartition(c *cli.Context) error {
	by, rows := c.String("partition-by"), c.Int64("partition-rows")
	if _, ok := partitionLayouts[by]; !ok {
		return usagef("--partition-by %q: want hour or day", by)
	}
	if rows < 0 {
		return usagef("--partition-rows %d: want 1 or more, or 0 for one file", rows)
	}
	if partitioned(c) && c.String("to") != "" && c.String("to") != "parquet" {
		return usagef("--to %s: folders are written as Parquet", c.String("to"))
	}
	return nil
}

func partitioned(c *cli.Context) bool {
	return c.String("partition-by") != "" || c.Int64("partition-rows") > 0
}

// openPartitions is how many sub-folders are written to at a time. A span of an older
// one starts another file in it.
const openPartitions = 3

// partitionWriter writes spans into a folder that nobody takes for whole before it is: on
// this machine it has another name until then, in a bucket catalog.IncompleteMarker.
type partitionWriter struct {
	files  objects.Folder
	whole  func() error // gives it its name, or takes the marker away
	undo   func()
	layout string
	rows   int64 // of a file, 0: no bound
	ds     *catalog.Dataset
	open   []*partitionFile // least recently begun first
	parts  map[string]int   // files begun in a sub-folder
}

type partitionFile struct {
	name string
	f    objects.Pending
	w    *datasets.ParquetWriter
}

func newPartitionWriter(c *cli.Context, ds *catalog.Dataset) (*partitionWriter, error) {
	p := &partitionWriter{layout: partitionLayouts[c.String("partition-by")],
		rows: c.Int64("partition-rows"), ds: ds, parts: map[string]int{}}
	begin := p.beginLocal
	if objects.Remote(c.String("out")) {
		begin = p.beginRemote
	}
	return p, begin(c.Context, c.String("out"))
}

func (p *partitionWriter) beginLocal(ctx context.Context, at string) error {
	dir, err := objects.Path(at)
	if err != nil {
		return usageError{err}
	}
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s is there already: name a folder that is not, or remove it", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*")
	if err != nil {
		return err
	}
	p.undo = func() { os.RemoveAll(tmp) }
	p.whole = func() error {
		if err := os.Chmod(tmp, 0o755); err != nil {
			return err
		}
		return os.Rename(tmp, dir)
	}
	p.files, err = objects.Open(ctx, tmp)
	return err
}

func (p *partitionWriter) beginRemote(ctx context.Context, at string) (err error) {
	if p.files, err = objects.Open(ctx, at); err != nil {
		return err
	}
	there, err := p.files.List()
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%s has %d files already: name a folder that has none, or remove them", at, len(there))
	}
	p.undo = func() {} // the marker stays, and says what the rest is
	p.whole = func() error { return p.files.Remove(catalog.IncompleteMarker) }
	return objects.Write(p.files, catalog.IncompleteMarker, func(io.Writer) error { return nil })
}

// Write adds s to the file of its partition.
func (p *partitionWriter) Write(s *trace.Span) error {
	name := ""
	if p.layout != "" {
		name = time.Unix(0, s.Start).UTC().Format(p.layout)
	}
	f, err := p.file(name)
	if err != nil {
		return err
	}
	if err := f.w.Write(s); err != nil {
		return err
	}
	if p.rows > 0 && f.w.Rows() >= p.rows {
		return p.close(f)
	}
	return nil
}

// file is the open file of a sub-folder.
func (p *partitionWriter) file(name string) (*partitionFile, error) {
	for _, f := range p.open {
		if f.name == name {
			return f, nil
		}
	}
	if len(p.open) == openPartitions {
		if err := p.close(p.open[0]); err != nil {
			return nil, err
		}
	}
	file, err := p.files.Create(path.Join(name, fmt.Sprintf("part-%05d.parquet", p.parts[name])))
	if err != nil {
		return nil, err
	}
	p.parts[name]++
	f := &partitionFile{name, file, datasets.NewParquetWriter(file, parquetMeta(p.ds))}
	p.open = append(p.open, f)
	return f, nil
}

func (p *partitionWriter) close(f *partitionFile) error {
	for i := range p.open {
		if p.open[i] == f {
			p.open = append(p.open[:i], p.open[i+1:]...)
			break
		}
	}
	if err := f.w.Close(); err != nil {
		f.f.Abort()
		return err
	}
	defer f.f.Abort()
	return f.f.Commit()
}

// Close ends all files and makes the folder whole.
func (p *partitionWriter) Close() error {
	for len(p.open) > 0 {
		if err := p.close(p.open[0]); err != nil {
			return err
		}
	}
	return p.whole()
}

// abandon gives up a folder that did not become whole.
func (p *partitionWriter) abandon() {
	for _, f := range p.open {
		f.f.Abort()
	}
	p.undo()
}

var _ spanWriter = (*partitionWriter)(nil)

// writeSpans writes the dataset that r reads and says how many spans it had.
func writeSpans(c *cli.Context, r datasets.Reader, w spanWriter) (n int64, err error) {
	bar := newProgress(c.App.ErrWriter, "converting", -1)
	defer bar.finish()
	for s, err := range datasets.SpansAhead(datasets.Spans(r, trace.NewCalls(1, nil))) {
		if err != nil {
			return n, err
		}
		if err := interrupted(c, n, bar); err != nil {
			return n, err
		}
		if err := w.Write(s); err != nil {
			return n, err
		}
		n++
	}
	return n, w.Close()
}

// convertTo writes the file or the folder that the flags name.
func convertTo(c *cli.Context, ds *catalog.Dataset, r datasets.Reader) (n int64, err error) {
	if partitioned(c) {
		w, err := newPartitionWriter(c, ds)
		if err != nil {
			return 0, err
		}
		if n, err = writeSpans(c, r, w); err != nil {
			w.abandon()
		}
		return n, err
	}
	err = writeAt(c.Context, c.String("out"), func(f io.Writer) error {
		w, err := newSpanWriter(f, c.App.ErrWriter, c.String("to"), c.String("out"), ds)
		if err != nil {
			return err
		}
		n, err = writeSpans(c, r, w)
		return err
	})
	return n, err
}
