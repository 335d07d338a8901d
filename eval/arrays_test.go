package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// fenced are Arrays whose memory is surrounded by bytes that nobody may change. From
// call failsAt on, counted from 1, there is no room.
type fenced struct {
	mu      sync.Mutex
	calls   int
	failsAt int
	made    [][]byte
}

var errNoRoom = errors.New("no room")

const fence = 64

func (f *fenced) Bytes(n int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.failsAt > 0 && f.calls >= f.failsAt {
		return nil, errNoRoom
	}
	b := bytes.Repeat([]byte{0xA5}, n+2*fence)
	f.made = append(f.made, b)
	mine := b[fence : fence+n]
	clear(mine)
	return mine, nil
}

func (f *fenced) check(t *testing.T) {
	t.Helper()
	for _, b := range f.made {
		for _, x := range append(bytes.Clone(b[:fence]), b[len(b)-fence:]...) {
			if x != 0xA5 {
				t.Fatalf("something was written beside an array of %d bytes", len(b)-2*fence)
			}
		}
	}
}

// cellsOf runs three samplers over spans with ties, warm-up, faults and traces that come
// back, and reduces them to cells, as JSON, in which NaN equals itself.
func cellsOf(a Arrays) ([]byte, error) {
	rng := rand.New(rand.NewPCG(9, 9))
	spans := make([]trace.Span, 6000)
	for i := range spans {
		s := &spans[i]
		s.TraceID = trace.TraceID{Lo: uint64(i/4 + rng.IntN(3))} // some have none
		s.ID, s.Call, s.Start = trace.SpanID(i+1), trace.Call(1+rng.IntN(9)), int64(i)*1e6
		s.Duration, s.Label = int64(rng.IntN(1500)), trace.Normal
		if rng.IntN(10) == 0 {
			s.Duration, s.Label, s.Kind = s.Duration*3, trace.Anomalous, "slow"
		} else if rng.IntN(20) == 0 {
			s.Label, s.Kind = trace.Candidate, "slow"
		}
	}
	noise := func(s *trace.Span) float64 { return float64(s.Duration ^ int64(s.ID)*977&0xFFF) }
	o, err := Run(context.Background(), Plan{
		Train: source(spans[:1000]), Test: source(spans[1000:]), Mode: ScoreThenLearn, KeepCalls: true, Arrays: a,
		TrainSpans: 1000, TestSpans: int64(len(spans) - 1000), Faults: []FaultResult{{Name: "slow", At: 1}},
		Entrants: []Entrant{
			{Name: "duration", Sampler: &scripted{}, Cut: CutShare(.05)},
			{Name: "noise", Sampler: &scripted{score: noise, ready: 1200}, Cut: CutFlagRate()},
			{Name: "constant", Sampler: &scripted{score: func(*trace.Span) float64 { return 7 }}, Cut: CutFlagRate()},
		},
	})
	if err != nil {
		return nil, err
	}
	types := make([]uint32, o.Counts.Traces)
	for i := range types {
		types[i] = uint32(i % 50)
	}
	opt := SummaryOptions{Seed: 3, Replicates: 16, Workspace: NewWorkspace(a)}
	var cells []Cell
	for column := range o.Scores.Columns {
		c, err := CellOf(o, column, types, opt)
		if err != nil {
			return nil, err
		}
		cells = append(cells, c)
	}
	return json.Marshal(cells)
}

// Where arrays lie changes no result, nothing is written beside them, and one for which
// there is no room is an error, whichever it is.
func TestArrays(t *testing.T) {
	want, err := cellsOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	room := &fenced{}
	got, err := cellsOf(room)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("elsewhere the cells are\n%s\nwant those of the heap\n%s", got, want)
	}
	room.check(t)
	if room.calls < 20 {
		t.Errorf("only %d arrays lie elsewhere", room.calls)
	}
	for at := range room.calls {
		tight := &fenced{failsAt: at + 1}
		if _, err := cellsOf(tight); !errors.Is(err, errNoRoom) {
			t.Errorf("no room for array %d of %d: %v", at+1, room.calls, err)
		}
		tight.check(t)
	}
}

// What has grown holds what was in it and is zeroed behind.
func TestGrowArray(t *testing.T) {
	for _, a := range []Arrays{nil, &fenced{}} {
		var s []float64
		for i := range 5000 {
			var err error
			if s, err = GrowArray(a, s, 1+i%7); err != nil {
				t.Fatal(err)
			}
			if behind := s[:len(s)+1]; behind[len(s)] != 0 {
				t.Fatalf("%v behind %d values", behind[len(s)], len(s))
			}
			s = append(s, math.Sqrt(float64(i+1)))
		}
		for i, x := range s {
			if x != math.Sqrt(float64(i+1)) {
				t.Fatalf("value %d is %v", i, x)
			}
		}
	}
	if _, err := GrowArray(&fenced{failsAt: 1}, []bool{true}, 1<<12); !errors.Is(err, errNoRoom) {
		t.Errorf("no room: %v", err)
	}
}
