package main

import (
	"sync"
	"time"
	"unsafe"
)

const (
	// ebbFrom is how many bytes of mapped files may stay in memory between two looks.
	ebbFrom = 64 << 20
	// ebbEvery is the time between looks: less than it takes to touch much more.
	ebbEvery = 5 * time.Millisecond
)

// ebb is a spill for code that does not know of it, an eval.Arrays: a goroutine lets the
// memory go whenever much of it has been touched. Between two looks that may be as much
// again as ebbFrom. Arrays are there until close, and then must not be looked at.
type ebb struct {
	from int // from which size on an array lies in a file

	mu    sync.Mutex
	spill spill
	stop  chan struct{}
	done  chan struct{}
}

// newEbb spills arrays from so many bytes on.
func newEbb(from int) *ebb { return &ebb{from: from} }

// Bytes is in a file if it is long enough, and otherwise on the heap.
func (e *ebb) Bytes(n int) ([]byte, error) {
	if n < e.from {
		words := make([]uint64, (n+7)/8) // for their alignment
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n), nil
	}
	m, err := newMapped(n)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spill.maps = append(e.spill.maps, m)
	if e.stop == nil {
		e.stop, e.done = make(chan struct{}), make(chan struct{})
		go e.run()
	}
	return m.mem, nil
}

func (e *ebb) run() {
	defer close(e.done)
	tick := time.NewTicker(ebbEvery)
	defer tick.Stop()
	before, _ := residentFiles() // the program itself, above all
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
		}
		if now, known := residentFiles(); known && now < before+ebbFrom {
			before = min(before, now)
			continue
		}
		e.mu.Lock()
		e.spill.forget()
		e.mu.Unlock()
	}
}

// close removes the files at once.
func (e *ebb) close() {
	if e.stop == nil {
		return
	}
	close(e.stop)
	<-e.done
	for _, m := range e.spill.maps {
		m.close()
	}
	e.spill, e.stop = spill{}, nil
}
