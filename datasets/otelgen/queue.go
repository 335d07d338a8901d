package otelgen

import (
	"errors"
	"io"
	"sync"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Queue hands spans from a Capture to whoever pulls them: its Put is a Sink, and
// it is a datasets.Decoder. It holds a bounded number of spans; when it is full,
// Put waits, the exports behind it wait, and senders are told to come again.
//
// What Put took is acknowledged to the sender. So the reader must go on to io.EOF,
// or call Abort.
type Queue struct {
	spans   chan trace.Span
	aborted chan struct{}
	mu      sync.Mutex
	ended   bool
	reason  error // of Abort
	last    error // of Finish; read when spans is closed
}

// NewQueue makes a Queue of n spans, about 150 bytes each. It panics if n < 1.
func NewQueue(n int) *Queue {
	if n < 1 {
		panic("otelgen: a Queue needs room for a span")
	}
	return &Queue{spans: make(chan trace.Span, n), aborted: make(chan struct{})}
}

// Put adds a copy of s, waiting for room. After Abort it returns the reason.
// Calling it after Finish panics.
func (q *Queue) Put(s *trace.Span) error {
	select {
	case <-q.aborted:
		return q.abortReason()
	default:
	}
	select {
	case q.spans <- *s:
		return nil
	case <-q.aborted:
		return q.abortReason()
	}
}

// Finish says that no more spans come. When the Queue is empty, Decode returns err,
// or io.EOF if it is nil. Call it once, when Capture has returned.
func (q *Queue) Finish(err error) {
	if err == nil {
		err = io.EOF
	}
	q.last = err
	close(q.spans)
}

// Abort makes Put fail with err from now on: the reader has given up.
func (q *Queue) Abort(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return
	}
	if err == nil {
		err = errors.New("the reader has stopped")
	}
	q.ended, q.reason = true, err
	close(q.aborted)
}

func (q *Queue) abortReason() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reason
}

// Decode takes the next span, waiting for one; see datasets.Decoder.
func (q *Queue) Decode(s *trace.Span) error {
	next, ok := <-q.spans
	if !ok {
		return q.last
	}
	*s = next
	return nil
}
