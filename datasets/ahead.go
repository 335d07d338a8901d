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
func Ahead(r Reader) Reader { return newAhead(r, false) }

// DecodedAhead is [Spans] of r with the decoding of batches, and of what they have
// dictionaries for, done as Ahead does, from the beginning of the range to its end. The
// caller closes r.
func DecodedAhead(r Reader, calls *trace.Calls) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		a := newAhead(r, true)
		defer a.end()
		spansOf(func() (*rows, error) {
			b := a.next()
			return b.rows, b.err
		}, calls)(yield)
	}
}

func newAhead(r Reader, unwrap bool) *ahead {
	a := &ahead{r: r, unwrap: unwrap, batches: make(chan batch, 1), stop: make(chan struct{})}
	go a.decode()
	return a
}

type ahead struct {
	r       Reader
	unwrap  bool
	batches chan batch // closed when the goroutine has ended
	stop    chan struct{}
	last    error // ends the stream; nil while it goes on
	closed  bool
}

type batch struct {
	rec  arrow.Record
	rows *rows // of rec, when it is unwrapped
	err  error
}

func (b *batch) release() {
	switch {
	case b.rows != nil:
		b.rows.release()
	case b.rec != nil:
		b.rec.Release()
	}
}

func (a *ahead) decode() {
	defer close(a.batches)
	for {
		select {
		case <-a.stop: // Close empties the channel: a free place in it is no reason to decode
			return
		default:
		}
		var b batch
		b.rec, b.err = a.r.Next()
		if a.unwrap && b.err == nil {
			b.rows = newRows(b.rec)
		}
		select {
		case a.batches <- b:
		case <-a.stop:
			b.release()
			return
		}
		if b.err != nil {
			return
		}
	}
}

// Next returns the next batch; after an error it returns that error again.
func (a *ahead) Next() (arrow.Record, error) {
	b := a.next()
	return b.rec, b.err
}

func (a *ahead) next() batch {
	if a.last != nil {
		return batch{err: a.last}
	}
	b := <-a.batches
	a.last = b.err
	return b
}

// Bad is the tally of the batches decoded so far. It must not be called between the
// first Next and the end of the stream or Close: the goroutine writes to it.
func (a *ahead) Bad() *trace.Bad { return a.r.Bad() }

// Close ends the decoding and closes the reader.
func (a *ahead) Close() error {
	a.end()
	return a.r.Close()
}

// end ends the decoding.
func (a *ahead) end() {
	if a.closed {
		return
	}
	a.closed = true
	close(a.stop)
	for b := range a.batches {
		b.release()
	}
}
