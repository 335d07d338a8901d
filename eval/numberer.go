package eval

import "github.com/scale-eval/scale-eval/datasets/trace"

// numberer numbers traces from 0 in order of first sight, in a goroutine of its own:
// looking a trace up is a random access to memory that samplers need not wait for.
// A span without trace id is a trace of its own.
//
// Memory: 4 bytes a span, some 40 a trace, and numbererAhead batches of runs.
type numberer struct {
	batch   []idRun
	batches chan []idRun
	free    chan []idRun
	done    chan struct{}

	// Of the goroutine, until done is closed.
	numbers []uint32
	of      traceTable
	err     error
}

// idRun is consecutive spans of one trace: many sources keep them together.
type idRun struct {
	id trace.TraceID
	n  int
}

const (
	numbererBatch = 1 << 12 // runs
	numbererAhead = 4       // batches
)

// newNumberer starts a numberer that has room for the numbers of n spans, where a says.
func newNumberer(a Arrays, n int) (*numberer, error) {
	numbers, err := empty[uint32](a, n)
	if err != nil {
		return nil, err
	}
	t := &numberer{
		batch:   make([]idRun, 0, numbererBatch),
		batches: make(chan []idRun, numbererAhead),
		free:    make(chan []idRun, numbererAhead),
		done:    make(chan struct{}),
		numbers: numbers,
		of:      newTraceTable(a),
	}
	t.of.expected = n
	go t.run(t.batches)
	return t, nil
}

// add appends the number of a span's trace.
func (t *numberer) add(id trace.TraceID) {
	if last := len(t.batch) - 1; last >= 0 && t.batch[last].id == id {
		t.batch[last].n++
		return
	}
	if len(t.batch) == numbererBatch {
		t.send()
	}
	t.batch = append(t.batch, idRun{id, 1})
}

func (t *numberer) send() {
	t.batches <- t.batch
	select {
	case t.batch = <-t.free:
	default:
		t.batch = make([]idRun, 0, numbererBatch)
	}
}

// finish ends the goroutine and returns the number of each span's trace and how many
// traces there are, or an error of room. It may be called more than once, but not add
// after it.
func (t *numberer) finish() (numbers []uint32, traces int64, err error) {
	if t.batches != nil {
		t.batches <- t.batch
		close(t.batches)
		t.batches = nil
	}
	<-t.done
	return t.numbers, int64(len(t.of.ids)), t.err
}

func (t *numberer) run(batches <-chan []idRun) {
	defer close(t.done)
	for batch := range batches {
		if t.err == nil {
			t.numbers, t.err = t.of.number(t.numbers, batch)
		}
		select {
		case t.free <- batch[:0]:
		default:
		}
	}
}
