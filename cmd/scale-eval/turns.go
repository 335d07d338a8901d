package main

import (
	"runtime"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/scale-eval/scale-eval/datasets"
)

// turns are cores that goroutines take turns on, in the order in which they come: who
// gives one and takes it again lets go first who waits. The scheduler does not do that. It
// has a goroutine that another one woke wait until that one stops, though what it decodes
// is what others will wait for.
type turns chan struct{}

func newTurns() turns { return make(turns, runtime.GOMAXPROCS(0)) }

func (t turns) take() { t <- struct{}{} }
func (t turns) give() { <-t }

// inTurn is a Reader that decodes in its turn.
type inTurn struct {
	datasets.Reader
	cores turns
}

func (r inTurn) Next() (arrow.Record, error) {
	r.cores.take()
	defer r.cores.give()
	return r.Reader.Next()
}
