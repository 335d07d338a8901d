package eval

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// tallied deals the rows of a column out to some tallies, sends each through its written form, and merges them.
func tallied(t *testing.T, s *Scores, cut Cut, parts, limit int, rng *rand.Rand) *Tally {
	t.Helper()
	list := make([]*Tally, parts)
	for i := range list {
		list[i], _ = NewTally(cut)
		list[i].scores.limit = limit
	}
	for i, l := range s.Labels {
		d := trace.Decision{Score: s.Columns[0].Score[i], Keep: s.Columns[0].Keep[i], WarmUp: math.IsNaN(s.Columns[0].Score[i])}
		if _, err := list[rng.IntN(parts)].Add(l, d, GroupOf(trace.TraceID{Lo: uint64(s.Trace[i]) + 1}, 0)); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := NewTally(cut)
	all.scores.limit = limit
	for _, part := range list {
		var file bytes.Buffer
		if err := part.Write(&file); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(2) == 0 {
			if err := all.MergeFrom(&file); err != nil {
				t.Fatal(err)
			}
			continue
		}
		back, err := ReadTally(&file)
		if err != nil {
			t.Fatal(err)
		}
		all.Merge(back)
	}
	return all
}

// Parts add up to what Summarise makes of all scores, intervals apart.
func TestTallyEqualsSummarise(t *testing.T) {
	for name, kind := range scoreKinds {
		rng := rand.New(rand.NewPCG(9, 11))
		for _, parts := range []int{1, 2, 7} {
			s := randomScores(rng, kind, 2000)
			want, err := Summarise(s, 0, SummaryOptions{Replicates: -1})
			if err != nil {
				t.Fatal(err)
			}
			got := tallied(t, s, Cut{}, parts, 0, rng).Result(Entrant{Name: want.Name}, SummaryOptions{Replicates: -1}).Samplers[0]
			if got.WarmUp != want.WarmUp || got.Point.Confusion != want.Point.Confusion || got.Best.Confusion != want.Best.Confusion ||
				fmt.Sprint(got.Best.Threshold, got.Curve) != fmt.Sprint(want.Best.Threshold, want.Curve) {
				t.Errorf("%s in %d parts: %+v, want %+v", name, parts, got, want)
			}
			for what, pair := range map[string][2]Number{"AP": {got.AP.Value, want.AP.Value}, "AUC": {got.ROCAUC.Value, want.ROCAUC.Value},
				"F1": {got.Point.Metrics.F1.Value, want.Point.Metrics.F1.Value}, "threshold": {got.Point.Threshold, want.Point.Threshold}} {
				near(t, name+": "+what, float64(pair[0]), float64(pair[1]), 0)
			}
			for i := range want.RecallAt {
				near(t, name+": recall at FPR", float64(got.RecallAt[i].Recall.Value), float64(want.RecallAt[i].Recall.Value), 0)
			}
		}
	}
}

// However spans are dealt out, the result is the same to the last bit, sketched or not.
func TestTallySameInAnyParts(t *testing.T) {
	const n = 5000
	for _, limit := range []int{0, 2000} {
		rng := rand.New(rand.NewPCG(3, 3))
		s := randomScores(rng, scoreKinds["continuous"], n)
		one := tallied(t, s, CutAt(.5), 1, limit, rng)
		if one.Sketched() != (limit > 0) {
			t.Errorf("limit %d: sketched %v", limit, one.Sketched())
		}
		many := tallied(t, s, CutAt(.5), 5, limit, rng)
		a, b := one.Result(Entrant{}, SummaryOptions{}), many.Result(Entrant{}, SummaryOptions{})
		if fmt.Sprint(a) != fmt.Sprint(b) || !reflect.DeepEqual(a.Samplers[0].Curve, b.Samplers[0].Curve) {
			t.Errorf("limit %d: five parts differ from one", limit)
		}
		want, _ := Summarise(s, 0, SummaryOptions{Replicates: -1})
		at := float64(want.Best.Threshold)
		near(t, "threshold of the best point", float64(a.Samplers[0].Best.Threshold), at, 1e-6*math.Abs(at))
		near(t, "AP", float64(a.Samplers[0].AP.Value), float64(want.AP.Value), 2e-6)
		near(t, "AUC", float64(a.Samplers[0].ROCAUC.Value), float64(want.ROCAUC.Value), 2e-6)
	}
}

func TestTallyRefuses(t *testing.T) {
	if _, err := NewTally(CutShare(.1)); err == nil {
		t.Error("a cut-off by share: no error")
	}
	tally, _ := NewTally(Cut{})
	if _, err := tally.Add(trace.Normal, trace.Decision{Score: math.NaN()}, 0); err == nil {
		t.Error("NaN: no error")
	}
	var file bytes.Buffer
	if err := tally.Write(&file); err != nil {
		t.Fatal(err)
	}
	if other, _ := NewTally(CutAt(.5)); other.MergeFrom(bytes.NewReader(file.Bytes())) == nil {
		t.Error("tallies by different cut-offs: no error")
	}
	for cut := range file.Len() {
		if cut%97 == 0 {
			if _, err := ReadTally(bytes.NewReader(file.Bytes()[:cut])); err == nil {
				t.Errorf("cut at %d of %d bytes: no error", cut, file.Len())
			}
		}
	}
}

// What no tally wrote, though it looks like one, is refused: scores in no order, counts that
// no int64 holds, more scores than are kept apart, rounded ones that are too large.
func TestReadTallyRefuses(t *testing.T) {
	empty, _ := NewTally(Cut{})
	var file bytes.Buffer
	if err := empty.Write(&file); err != nil {
		t.Fatal(err)
	}
	head := file.Bytes()[:file.Len()-2] // without "not rounded, no scores"
	for name, c := range map[string]struct {
		tail []uint64
		ok   bool
	}{
		"one score":       {[]uint64{0, 1, 5, 1, 0}, true},
		"the largest key": {[]uint64{0, 2, 0, 1, 0, math.MaxUint64, 1, 0}, true},
		"rounded":         {[]uint64{1, 1, 1<<coarseBits - 1, 1, 0}, true},
		"the same twice":  {[]uint64{0, 2, 5, 1, 0, 0, 1, 0}, false},
		"beyond the end":  {[]uint64{0, 2, 5, 1, 0, math.MaxUint64, 1, 0}, false},
		"large rounded":   {[]uint64{1, 1, 1 << coarseBits, 1, 0}, false},
		"large count":     {[]uint64{0, 1, 5, 1 << 63, 0}, false},
		"too many":        {[]uint64{0, distinctMax + 1}, false},
		"some other way":  {[]uint64{2, 0}, false},
		"fewer than said": {[]uint64{0, 2, 5, 1, 0}, false},
	} {
		data := bytes.Clone(head)
		for _, x := range c.tail {
			data = binary.AppendUvarint(data, x)
		}
		if _, err := ReadTally(bytes.NewReader(data)); (err == nil) != c.ok {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzReadTally: whatever is read is an error, or a tally that is written and read again
// as it is, and gives a result.
func FuzzReadTally(f *testing.F) {
	for _, limit := range []int{0, 20} {
		t, _ := NewTally(CutAt(.5))
		t.scores.limit = limit
		for i := range 60 {
			d := trace.Decision{Score: float64(i) / 60, Keep: i > 30, WarmUp: i < 3}
			if _, err := t.Add(trace.Label(i%3), d, uint32(i)); err != nil {
				f.Fatal(err)
			}
		}
		var file bytes.Buffer
		if err := t.Write(&file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tally, err := ReadTally(bytes.NewReader(data))
		if err != nil {
			return
		}
		tally.Result(Entrant{}, SummaryOptions{Replicates: -1})
		var first, second bytes.Buffer
		if err := tally.Write(&first); err != nil {
			t.Fatal(err)
		}
		back, err := ReadTally(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Write(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("written again it differs, %v", err)
		}
	})
}
