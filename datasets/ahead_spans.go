package datasets

import "github.com/scale-eval/scale-eval/datasets/trace"

const (
	// spanChunk is how many spans SpansAhead hands over at a time: few enough to stay in
	// a core's cache, enough to make the handing over vanish.
	spanChunk = 1 << 11
	// chunksAhead is how many of them wait at most.
	chunksAhead = 4
)

// SpansAhead ranges over src in a goroutine of its own, some chunks of spans ahead of
// its caller: what src does to a span and what the caller does take place on two cores.
// Order, number and error are those of src, whose strings must stay valid behind the
// next span, as those of [Spans] do. The yielded span is reused with its chunk.
//
// Each range ends its goroutine and waits for it. Memory: some 2 MB.
func SpansAhead(src trace.Source) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		a := &aheadSpans{
			full:  make(chan spansChunk, chunksAhead),
			empty: make(chan []trace.Span, chunksAhead+2),
			stop:  make(chan struct{}),
		}
		go a.run(src)
		defer func() {
			close(a.stop)
			for range a.full { // until the goroutine has ended
			}
		}()
		for c := range a.full {
			for i := range c.spans {
				if !yield(&c.spans[i], nil) {
					return
				}
			}
			if c.err != nil {
				yield(nil, c.err)
				return
			}
			a.empty <- c.spans[:0]
		}
	}
}

type aheadSpans struct {
	full  chan spansChunk // closed when the goroutine has ended
	empty chan []trace.Span
	stop  chan struct{}
}

// spansChunk is some spans and the error that came behind them.
type spansChunk struct {
	spans []trace.Span
	err   error
}

func (a *aheadSpans) run(src trace.Source) {
	defer close(a.full)
	c := spansChunk{spans: a.room()}
	for s, err := range src {
		if err != nil {
			c.err = err
			break
		}
		c.spans = append(c.spans, *s)
		if len(c.spans) < spanChunk {
			continue
		}
		if !a.send(c) {
			return
		}
		c.spans = a.room()
	}
	a.send(c)
}

func (a *aheadSpans) send(c spansChunk) bool {
	select {
	case a.full <- c:
		return true
	case <-a.stop:
		return false
	}
}

// room is an empty chunk.
func (a *aheadSpans) room() []trace.Span {
	select {
	case c := <-a.empty:
		return c
	default:
		return make([]trace.Span, 0, spanChunk)
	}
}
