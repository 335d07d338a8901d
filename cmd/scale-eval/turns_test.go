package main

import (
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/scale-eval/scale-eval/datasets"
)

// Whoever waits goes first: a goroutine that gives its turn and takes it again at once
// comes after those that came before.
func TestTurnsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cores := make(turns, 1)
		cores.take()
		var order []int
		for i := range 3 {
			go func() {
				cores.take()
				order = append(order, i) // under its turn
				cores.give()
			}()
			synctest.Wait() // it queues
		}
		cores.give()
		cores.take()
		order = append(order, 3)
		cores.give()
		if !slices.Equal(order, []int{0, 1, 2, 3}) {
			t.Errorf("turns went to %v", order)
		}
	})
}

// nextReader says how many turns are taken while it decodes.
type nextReader struct {
	datasets.Reader
	cores turns
	taken []int
}

func (r *nextReader) Next() (arrow.Record, error) {
	r.taken = append(r.taken, len(r.cores))
	return nil, io.EOF
}

func TestDecodesInTurn(t *testing.T) {
	cores := make(turns, 2)
	r := &nextReader{cores: cores}
	if _, err := (inTurn{r, cores}).Next(); err != io.EOF {
		t.Error(err)
	}
	if !slices.Equal(r.taken, []int{1}) || len(cores) != 0 {
		t.Errorf("while it decoded %v turns were taken, and %d behind it", r.taken, len(cores))
	}
}
