package eval

import (
	"errors"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Workspace is the memory of reductions such as Summarise, up to 40 bytes a span, kept
// from one to the next: fresh memory for each would double the peak while the garbage
// collector catches up, and pile up elsewhere. What was made in a workspace ends with
// the next use of it. Not safe for concurrent use. The zero value is on the heap.
type Workspace struct {
	arrays Arrays

	key, key2 []uint64
	ref, ref2 []uint32
	stops     []stop
	cells     []uint32
	seen      []uint8
	labels    []trace.Label
	highest   []float64
}

// NewWorkspace is one that lies where a says.
func NewWorkspace(a Arrays) *Workspace { return &Workspace{arrays: a} }

// resize makes b, one of ws, a slice of length n. Its contents are whatever they were.
func resize[T Plain](ws *Workspace, b *[]T, n int) error {
	if cap(*b) < n {
		room := n
		if ws.arrays != nil { // where what is left stays taken
			room = max(n, 2*cap(*b))
		}
		*b = nil // before there is more
		more, err := ArrayOf[T](ws.arrays, room)
		if err != nil {
			return err
		}
		*b = more
	}
	*b = (*b)[:n]
	return nil
}

// keyed is two lists of n keys with refs: some to sort and the room for it.
func (ws *Workspace) keyed(n int) (all, room keyed, err error) {
	err = errors.Join(resize(ws, &ws.key, n), resize(ws, &ws.ref, n), resize(ws, &ws.key2, n), resize(ws, &ws.ref2, n))
	return keyed{ws.key, ws.ref}, keyed{ws.key2, ws.ref2}, err
}
