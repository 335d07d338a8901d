package datasets

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Ahead decodes one batch of r ahead of its caller, in a goroutine of its own: on two
// cores the work on a batch and the decoding of the next take place at the same time.
// It takes r over; the order of batches, their number and the error are those of r.
//
// Memory: up to two more batches. Close ends the goroutine and waits for it.
func Ahead(r Reader) Reader {
	a := &ahead{r: r, batches: make(chan batch, 1), stop: make(chan struct{})}
	go a.decode()
	return a
}

type ahead struct {
	r       Reader
	batches chan batch // closed when the goroutine has ended
	stop    chan struct{}
	last    error // ends the stream; nil while it goes on
	closed  bool
}

type batch struct {
	rec arrow.Record
	err error
}

func (a *ahead) decode() {
	defer close(a.batches)
	for {
		select {
		case <-a.stop: // Close empties the channel: a free place in it is no reason to decode
			return
		default:
		}
		rec, err := a.r.Next()
		select {
		case a.batches <- batch{rec, err}:
		case <-a.stop:
			if rec != nil {
				rec.Release()
			}
			return
		}
		if err != nil {
			return
		}
	}
}

// Next returns the next batch; after an error it returns that error again.
func (a *ahead) Next() (arrow.Record, error) {
	if a.last != nil {
		return nil, a.last
	}
	b := <-a.batches
	a.last = b.err
	return b.rec, b.err
}

// Bad is the tally of the batches decoded so far. It must not be called between the
// first Next and the end of the stream or Close: the goroutine writes to it.
func (a *ahead) Bad() *trace.Bad { return a.r.Bad() }

// Close ends the decoding and closes the reader.
func (a *ahead) Close() error {
	if !a.closed {
		a.closed = true
		close(a.stop)
		for b := range a.batches {
			if b.rec != nil {
				b.rec.Release()
			}
		}
	}
	return a.r.Close()
}
