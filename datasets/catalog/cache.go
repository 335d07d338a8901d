package catalog

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// cacheRows bounds what is kept of a decoded dataset between passes: 3 M spans at
// about 85 bytes are 250 MiB. Larger text files are decoded again for each pass;
// Parquet never needs this.
const cacheRows = 3_000_000

// batchCache holds the batches of a dataset whose decoding is slow.
type batchCache struct {
	batches  []arrow.Record
	rows     int64
	complete bool
	bad      *trace.Bad
}

func (c *batchCache) drop() {
	for _, b := range c.batches {
		b.Release()
	}
	*c = batchCache{}
}

// filling passes batches through and keeps them until there are too many.
type filling struct {
	datasets.Reader
	cache *batchCache
	over  bool
}

func (f *filling) Next() (arrow.Record, error) {
	rec, err := f.Reader.Next()
	switch {
	case f.over:
	case err == io.EOF:
		f.cache.complete, f.cache.bad = true, f.Bad()
	case err != nil || f.cache.rows+rec.NumRows() > cacheRows:
		f.cache.drop()
		f.over = true
	default:
		rec.Retain()
		f.cache.batches = append(f.cache.batches, rec)
		f.cache.rows += rec.NumRows()
	}
	return rec, err
}

// Close ends the pass; one that was not walked to its end leaves no cache.
func (f *filling) Close() error {
	if !f.cache.complete {
		f.cache.drop()
	}
	return f.Reader.Close()
}

// replay reads a full cache.
type replay struct {
	cache *batchCache
	next  int
}

func (r *replay) Next() (arrow.Record, error) {
	if r.next == len(r.cache.batches) {
		return nil, io.EOF
	}
	rec := r.cache.batches[r.next]
	r.next++
	rec.Retain()
	return rec, nil
}

func (r *replay) Bad() *trace.Bad { return r.cache.bad }
func (r *replay) Close() error    { return nil }
