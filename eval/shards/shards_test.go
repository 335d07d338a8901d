package shards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

// Shards cover the test part, each span once, and read what they are to read.
func TestCutCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var marks []Mark
		row, index := int64(0), int64(0)
		for range 1 + rng.IntN(60) {
			marks = append(marks, Mark{row, index})
			step := int64(rng.IntN(40))
			row, index = row+step, index+rng.Int64N(step+1)
		}
		marks = append(marks, Mark{row, index})
		train := rng.Int64N(index + 1)
		n, overlap := 1+rng.IntN(20), rng.Int64N(50)
		shards, err := Cut(marks, train, index-train, n, overlap)
		if err != nil {
			t.Fatal(err)
		}
		next := train
		for i, s := range shards {
			if s.From != next || s.To < s.From {
				t.Fatalf("%v of %v: shard %d begins at %d, the one before ended at %d", shards, marks, i, s.From, next)
			}
			next = s.To
			if s.Spans() > 0 && (s.Start.Index > s.From || s.Start.Row > s.End) {
				t.Fatalf("shard %+v reads too late", s)
			}
			if i > 0 && s.Spans() > 0 && s.Start.Index > train && shards[i-1].End-s.Start.Row < overlap {
				t.Fatalf("shard %+v reads %d rows more than its own, want %d", s, shards[i-1].End-s.Start.Row, overlap)
			}
		}
		if next != index || shards[n-1].End != row {
			t.Fatalf("%v ends at span %d of %d", shards, next, index)
		}
	}
	if _, err := Cut(nil, 0, 1, 1, 0); err == nil {
		t.Error("no marks: no error")
	}
}

// With files and without, the list is what a map of all traces is.
func TestTracesEqualMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, limit := range []int{1 << 20, 50} {
		list := newTraces(limit)
		want := map[trace.TraceID][2]int64{}
		none := 0
		const n = 20_000
		for row := range int64(n) {
			id := trace.TraceID{Hi: 7, Lo: uint64(row/20) + rng.Uint64N(30)}
			if rng.IntN(50) == 0 {
				id = trace.TraceID{}
				none++
			} else if w, ok := want[id]; ok {
				want[id] = [2]int64{w[0], row}
			} else {
				want[id] = [2]int64{row, row}
			}
			list.Add(id, row)
		}
		var file bytes.Buffer
		if err := list.Write(&file); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range list.runs {
			names = append(names, f.Name())
		}
		if (len(names) > 0) != (limit == 50) {
			t.Errorf("limit %d: %d temporary files", limit, len(names))
		}
		if err := list.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%s is left", name)
			}
		}
		got := map[uint64][2]int64{}
		next := fromReader(&file)
		for {
			r, err := next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got[r.hash] = [2]int64{r.first, r.last}
		}
		if len(got) != len(want)+none {
			t.Errorf("limit %d: %d traces, want %d", limit, len(got), len(want)+none)
		}
		for id, w := range want {
			if got[traceHash(id, 0)] != w {
				t.Fatalf("limit %d: trace %v: rows %v, want %v", limit, id, got[traceHash(id, 0)], w)
			}
		}
	}
}

func TestCountTracesBeyond(t *testing.T) {
	plan := []Shard{{}, {Start: Mark{Index: 100}}}
	for first, beyond := range map[int64]int64{99: 1, 100: 0} {
		var a, b bytes.Buffer
		writeRecords(&a, record{1, first, first}, record{2, 0, 0})
		writeRecords(&b, record{1, 150, 151})
		n, err := CountTraces([]io.Reader{&a, &b}, plan)
		if err != nil || n.Traces != 2 || n.Beyond != beyond {
			t.Errorf("first span at %d: %+v, %v", first, n, err)
		}
	}
	var two bytes.Buffer
	writeRecords(&two, record{0, 1, 300}, record{math.MaxUint64, 0, 0})
	for name, list := range map[string][]byte{
		"no gap": {1, 0, 0, 0, 0, 0}, "a gap beyond all": append(two.Bytes()[:two.Len():two.Len()], 1, 0, 0),
		"no first": {1}, "no last": {1, 0}, "a long number": bytes.Repeat([]byte{0xff}, 11),
	} {
		if n, err := CountTraces([]io.Reader{bytes.NewReader(list)}, plan[:1]); err == nil {
			t.Errorf("%s: no error, %+v", name, n)
		}
	}
	if n, err := CountTraces([]io.Reader{&two}, plan[:1]); err != nil || n.Traces != 2 {
		t.Errorf("the least and the largest hash: %+v, %v", n, err)
	}
}

func writeRecords(to *bytes.Buffer, list ...record) {
	w := newRecordWriter(to)
	for _, r := range list {
		w.write(r)
	}
	w.w.Flush() // to memory
}

// parents scores a span by the child that came before it, however early: what only a
// shard that read far enough back can know.
type parents struct{ child map[trace.TraceID]int64 }

func (p *parents) Learn(*trace.Span) {}
func (p *parents) Sample(s *trace.Span) trace.Decision {
	score := float64(p.child[s.TraceID])
	p.child[s.TraceID] = s.Duration
	return trace.Decision{Score: score, Keep: score > 900}
}

func spansFrom(from int64, all []trace.Span) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		for i := from; i < int64(len(all)); i++ {
			if s := all[i]; !yield(&s, nil) {
				return
			}
		}
	}
}

func runShards(t *testing.T, all []trace.Span, n int, overlap int64) (*eval.Result, string, TraceCount) {
	t.Helper()
	var marks []Mark
	for i := range int64(len(all)) + 1 {
		marks = append(marks, Mark{i, i})
	}
	const train = 100
	plan := &Plan{Version: PlanVersion}
	var err error
	if plan.Shards, err = Cut(marks, train, int64(len(all))-train, n, overlap); err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	flags := ""
	for i, shard := range plan.Shards {
		traces := NewTraces()
		tally, err := Work(context.Background(), Job{Shard: shard, Train: train, Entrant: eval.Entrant{Sampler: &parents{map[trace.TraceID]int64{}}},
			Source: spansFrom(shard.Start.Index, all), Traces: traces,
			Flag: func(s *trace.Span, score float64) error { flags += fmt.Sprintln(s.ID, score); return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Collect(plan); err == nil {
			t.Fatal("a shard is missing: no error")
		}
		if err := store.WriteShard(i, tally, traces); err != nil {
			t.Fatal(err)
		}
		if err := traces.Close(); err != nil {
			t.Fatal(err)
		}
	}
	tally, count, err := store.Collect(plan)
	if err != nil {
		t.Fatal(err)
	}
	if n == 2 && overlap > 0 {
		damage(t, store, plan)
	}
	return tally.Result(eval.Entrant{Name: "x"}, eval.SummaryOptions{Replicates: 20}), flags, count
}

// damage cuts the last tally short and flips a bit of it: nothing partial is taken for whole.
func damage(t *testing.T, s *Store, p *Plan) {
	t.Helper()
	path := s.URL(TallyFile(len(p.Shards) - 1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 4
	for _, bad := range [][]byte{whole[:len(whole)-5], whole[:len(whole)/2], flipped, nil} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Collect(p); err == nil {
			t.Errorf("a damaged tally of %d bytes: no error", len(bad))
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Any number of shards gives the result and the flags of one, as long as they read far
// enough back; where they do not, that is said.
func TestShardsEqualOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	all := make([]trace.Span, 3000)
	for i := range all {
		all[i] = trace.Span{TraceID: trace.TraceID{Lo: uint64(i)/10 + rng.Uint64N(3) + 1}, ID: trace.SpanID(i + 1), Duration: rng.Int64N(1000), Label: trace.Normal}
		if rng.IntN(9) == 0 {
			all[i].Label = trace.Anomalous
		}
	}
	want, flags, count := runShards(t, all, 1, 0)
	for _, n := range []int{2, 7, 16} {
		got, gotFlags, gotCount := runShards(t, all, n, 60)
		if fmt.Sprint(got) != fmt.Sprint(want) || gotFlags != flags || gotCount != count {
			t.Errorf("%d shards differ from one: %+v, want %+v", n, gotCount, count)
		}
		if n > 2 {
			continue
		}
		if _, _, none := runShards(t, all, n, 0); none.Beyond == 0 {
			t.Errorf("%d shards without overlap: no trace reaches further back", n)
		}
	}
}

func TestWorkErrors(t *testing.T) {
	shard := Shard{To: 5}
	job := Job{Shard: shard, Entrant: eval.Entrant{Name: "x", Sampler: &parents{map[trace.TraceID]int64{}}}, Traces: NewTraces(), Flag: func(*trace.Span, float64) error { return nil }}
	defer job.Traces.Close()
	job.Source = spansFrom(0, make([]trace.Span, 3))
	if _, err := Work(context.Background(), job); err == nil {
		t.Error("data that ends early: no error")
	}
	broken := errors.New("broken")
	job.Source = func(yield func(*trace.Span, error) bool) { yield(nil, broken) }
	if _, err := Work(context.Background(), job); !errors.Is(err, broken) {
		t.Errorf("a broken source: %v", err)
	}
	job.Entrant.Cut = eval.CutShare(.5)
	if _, err := Work(context.Background(), job); err == nil {
		t.Error("a cut-off on training spans: no error")
	}
	for _, bad := range []string{"", "nocloud://bucket", "file://host/path", "file:path://"} {
		if _, err := OpenStore(t.Context(), bad); err == nil {
			t.Errorf("storage %q: no error", bad)
		}
	}
}
