package input

import (
	"io"
	"sync"
)

// ahead decompresses on a goroutine of its own while the rows before are parsed.
// Memory: aheadChunks of aheadBytes. The goroutine starts with the second read, so
// that a stream that is only sniffed costs none; close ends it and waits for it,
// after which the reader below may be used by others.
type ahead struct {
	r       io.Reader
	sniffed bool
	full    chan chunk
	free    chan []byte
	stop    chan struct{}
	running sync.WaitGroup
	cur     chunk
	at      int
}

type chunk struct {
	b   []byte
	err error // behind b
}

const (
	aheadChunks = 4
	aheadBytes  = 256 << 10
)

func (a *ahead) Read(p []byte) (int, error) {
	if !a.sniffed {
		a.sniffed = true
		return a.r.Read(p)
	}
	if a.full == nil {
		a.start()
	}
	for a.at == len(a.cur.b) {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if a.cur.b != nil {
			a.free <- a.cur.b[:aheadBytes]
		}
		a.cur, a.at = <-a.full, 0
	}
	n := copy(p, a.cur.b[a.at:])
	a.at += n
	return n, nil
}

func (a *ahead) start() {
	a.full = make(chan chunk, aheadChunks)
	a.free = make(chan []byte, aheadChunks)
	a.stop = make(chan struct{})
	for range aheadChunks {
		a.free <- make([]byte, aheadBytes)
	}
	a.running.Go(a.run)
}

// run fills chunks until the stream or the reader ends. full holds as many chunks
// as there are, so sending never blocks.
func (a *ahead) run() {
	for {
		select {
		case <-a.stop:
			return
		case b := <-a.free:
			c := a.fill(b)
			a.full <- c
			if c.err != nil {
				return
			}
		}
	}
}

func (a *ahead) fill(b []byte) chunk {
	n := 0
	for n < len(b) {
		select {
		case <-a.stop:
			return chunk{b[:n], io.ErrClosedPipe}
		default:
		}
		k, err := a.r.Read(b[n:])
		n += k
		if err != nil {
			return chunk{b[:n], err}
		}
	}
	return chunk{b, nil}
}

func (a *ahead) close() error {
	if a.stop != nil {
		close(a.stop)
		a.running.Wait()
		a.stop = nil
		a.cur, a.at = chunk{err: io.ErrClosedPipe}, 0
	}
	return nil
}
