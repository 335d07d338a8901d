package objects

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// window is what is kept of an open file: blocks of size bytes, as many as count, of which
// ahead are fetched before they are asked for.
type window struct {
	size         int64
	count, ahead int
}

var (
	// The columns of a row group are read side by side, so that a window of blocks is
	// in use at a time; two blocks ahead are a few tens of milliseconds of decoding,
	// about the latency of a store. 64 MB at most.
	forColumns = window{4 << 20, 16, 2}
	forStream  = window{256 << 10, 2, 1}
)

const (
	// tailBytes hold the footer of most Parquet files, in one request.
	tailBytes = 128 << 10
	// peekBytes at the start are asked for alone by who wants to know a format.
	peekBytes = 16
)

// object is a file of a bucket.
type object struct {
	b      *bucket
	info   Info
	window window
	cancel context.CancelFunc
	wait   sync.WaitGroup // fetches

	mu     sync.Mutex
	tick   int64
	blocks map[span]*block
}

// span is a range of bytes, [from, to).
type span struct{ from, to int64 }

// block is a range that is being fetched or was.
type block struct {
	done chan struct{} // closed when data and err are set
	data []byte
	err  error
	used int64 // tick of the last use
}

func newObject(b *bucket, info Info, w window) *object {
	ctx, cancel := context.WithCancel(b.ctx)
	own := *b
	own.ctx = ctx
	return &object{b: &own, info: info, window: w, cancel: cancel, blocks: map[span]*block{}}
}

func (o *object) Size() int64 { return o.info.Size }

// Close ends the fetches ahead.
func (o *object) Close() error {
	o.cancel()
	o.wait.Wait()
	return nil
}

func (o *object) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		if off >= o.info.Size {
			return n, io.EOF
		}
		s := o.spanOf(off, len(p)-n)
		bl := o.get(s)
		<-bl.done
		if bl.err != nil {
			return n, bl.err
		}
		m := copy(p[n:], bl.data[off-s.from:])
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// spanOf is the range to fetch for n bytes at off.
func (o *object) spanOf(off int64, n int) span {
	size := o.info.Size
	switch tail := max(size-tailBytes, 0); {
	case off >= tail:
		return span{tail, size}
	case off+int64(n) <= peekBytes:
		return span{0, peekBytes}
	}
	return o.blockSpan(off / o.window.size)
}

func (o *object) blockSpan(k int64) span {
	return span{k * o.window.size, min((k+1)*o.window.size, o.info.Size)}
}

// get is the block of a range, fetched or being fetched, and begins to fetch those behind
// it.
func (o *object) get(s span) *block {
	o.mu.Lock()
	defer o.mu.Unlock()
	bl := o.start(s)
	if size := o.window.size; s.to-s.from == size {
		next := s.to / size
		for k := next; k < next+int64(o.window.ahead) && k*size < o.info.Size; k++ {
			o.start(o.blockSpan(k))
		}
	}
	o.evict()
	return bl
}

func (o *object) start(s span) *block {
	o.tick++
	bl := o.blocks[s]
	if bl == nil {
		bl = &block{done: make(chan struct{})}
		o.blocks[s] = bl
		o.wait.Go(func() {
			bl.data, bl.err = o.fetch(s)
			close(bl.done)
		})
	}
	bl.used = o.tick
	return bl
}

// evict forgets the blocks that were not used for longest. Who waits for one has it.
func (o *object) evict() {
	for len(o.blocks) > o.window.count {
		var oldest span
		first := true
		for s, bl := range o.blocks {
			if first || bl.used < o.blocks[oldest].used {
				oldest, first = s, false
			}
		}
		delete(o.blocks, oldest)
	}
}

// fetch reads a range, all of it.
func (o *object) fetch(s span) (data []byte, err error) {
	data = make([]byte, s.to-s.from)
	err = o.b.try(o.info.Name, func(ctx context.Context) error {
		r, err := o.b.blob.NewRangeReader(ctx, o.b.prefix+o.info.Name, s.from, int64(len(data)), nil)
		if err != nil {
			return err
		}
		defer r.Close()
		if r.Size() != o.info.Size || !r.ModTime().IsZero() && !o.info.Modified.IsZero() && r.ModTime().Unix() != o.info.Modified.Unix() {
			return errChanged
		}
		if n, err := io.ReadFull(r, data); err != nil {
			return fmt.Errorf("bytes %d to %d came short, %d of %d: %w", s.from, s.to-1, n, len(data), err)
		}
		return nil
	})
	return data, err
}
