package sim

import (
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// Tapes are what all runs of one topology with one seed draw alike, whoever scales them:
// when requests arrive, how much work each brings, how long users think. Runs that share
// them draw it once, a block at a time, and read it; every run is the same as with
// streams of its own. Only a stream that one distribution draws from has a tape: the
// n-th draw of others depends on the course of the run. Safe for concurrent use. Memory:
// 8 bytes a draw, until nobody holds the Tapes.
type Tapes struct {
	mu       sync.Mutex
	seed     uint64
	used     bool
	draws    map[string]*tape[float64]
	arrivals map[string]*tape[int64]
}

// NewTapes are empty, and for the seed of the first system that is built with them.
func NewTapes() *Tapes {
	return &Tapes{draws: map[string]*tape[float64]{}, arrivals: map[string]*tape[int64]{}}
}

// claim is an error when the tapes are another seed's.
func (t *Tapes) claim(seed uint64) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used && t.seed != seed {
		return fmt.Errorf("tapes of seed %d for a run with seed %d: want tapes of its own", t.seed, seed)
	}
	t.seed, t.used = seed, true
	return nil
}

// dist reads what d draws from s, of which nobody else draws. nil: there are no tapes,
// or nothing is drawn.
func (t *Tapes) dist(d random.Dist, s *random.Stream, purpose ...string) *reader[float64] {
	if _, constant := d.(random.Constant); t == nil || d == nil || constant {
		return nil
	}
	return tapeOf(t, t.draws, purpose, func() func() float64 {
		own := *s
		return func() float64 { return d.Sample(&own) }
	})
}

// never is an arrival that does not come.
const never = math.MaxInt64

// arrivalsOf reads the instants of a load that began at time 0. nil: there are no tapes.
func (t *Tapes) arrivalsOf(a traffic.Arrivals, s *random.Stream, purpose ...string) *reader[int64] {
	if t == nil {
		return nil
	}
	return tapeOf(t, t.arrivals, purpose, func() func() int64 {
		own, last := *s, int64(0)
		return func() int64 {
			if last != never {
				at, ok := a.Next(last, &own)
				if last = at; !ok {
					last = never
				}
			}
			return last
		}
	})
}

func tapeOf[T any](t *Tapes, all map[string]*tape[T], purpose []string, draw func() func() T) *reader[T] {
	key := strings.Join(purpose, "\x00")
	t.mu.Lock()
	defer t.mu.Unlock()
	if all[key] == nil {
		all[key] = &tape[T]{draw: draw()}
	}
	return &reader[T]{tape: all[key], next: blockLength}
}

// blockLength is how many values are drawn at a time.
const blockLength = 1024

type block[T any] [blockLength]T

// tape is a sequence that grows at its end.
type tape[T any] struct {
	mu     sync.Mutex
	blocks []*block[T]
	draw   func() T
}

func (t *tape[T]) block(n int) *block[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.blocks) <= n {
		b := new(block[T])
		for i := range b {
			b[i] = t.draw()
		}
		t.blocks = append(t.blocks, b)
	}
	return t.blocks[n]
}

// reader is the place of one run on a tape. Not safe for concurrent use.
type reader[T any] struct {
	tape  *tape[T]
	block *block[T]
	read  int // blocks
	next  int // in block
}

func (r *reader[T]) take() T {
	if r.next == blockLength {
		r.block, r.next = r.tape.block(r.read), 0
		r.read++
	}
	x := r.block[r.next]
	r.next++
	return x
}
