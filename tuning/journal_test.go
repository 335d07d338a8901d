package tuning

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/scale-eval/scale-eval/eval"
)

func someOutcomes() []Outcome {
	nan := eval.Number(math.NaN())
	return []Outcome{
		{Unit: Unit{Point{"8", "12"}, 42, 1}, Readings: []Reading{{Threshold: "0.5", Score: 0.5, Blocks: []eval.Confusion{{TP: 1, FN: 2}, {FP: 3, TN: 4}}}}, NsPerSpan: 12.5},
		{Unit: Unit{Point{"9", "12"}, math.MaxUint64, 1. / 3}, Fail: "no", NsPerSpan: nan},
		{Unit: Unit{Point{"10", "12"}, 7, 1}, Readings: []Reading{{Budget: .1, Score: eval.Number(math.MaxFloat64), Blocks: []eval.Confusion{{}, {}}}}, NsPerSpan: 1},
	}
}

func journal(t testing.TB, outcomes []Outcome) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := StartJournal(&b, "this study"); err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if err := AppendJournal(&b, o); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestJournalRoundTrip(t *testing.T) {
	b := journal(t, someOutcomes())
	got, whole, err := ReadJournal(bytes.NewReader(b), "this study")
	if err != nil || whole != int64(len(b)) || asJSON(t, got) != asJSON(t, someOutcomes()) {
		t.Fatalf("%d of %d bytes, %v: %s", whole, len(b), err, asJSON(t, got))
	}
}

// TestJournalTorn cuts a journal at every byte, and damages every byte: what is whole
// before that is read, and what is cut off ends it.
func TestJournalTorn(t *testing.T) {
	b := journal(t, someOutcomes())
	ends := []int{len(journal(t, nil))}
	for i := range someOutcomes() {
		ends = append(ends, len(journal(t, someOutcomes()[:i+1])))
	}
	for cut := ends[0]; cut <= len(b); cut++ {
		n := 0
		for n < len(ends)-1 && ends[n+1] <= cut {
			n++
		}
		got, whole, err := ReadJournal(bytes.NewReader(b[:cut]), "this study")
		if err != nil || len(got) != n || whole != int64(ends[n]) {
			t.Fatalf("cut at %d: %d outcomes and %d bytes, %v; want %d and %d", cut, len(got), whole, err, n, ends[n])
		}
	}
	for at := ends[1]; at < len(b); at++ {
		damaged := bytes.Clone(b)
		damaged[at] ^= 0x20
		got, whole, err := ReadJournal(bytes.NewReader(damaged), "this study")
		if err != nil || len(got) < 1 || whole > int64(at) || asJSON(t, got[0]) != asJSON(t, someOutcomes()[0]) {
			t.Fatalf("damaged at %d: %d outcomes and %d bytes, %v", at, len(got), whole, err)
		}
	}
	for cut := range ends[0] {
		if _, _, err := ReadJournal(bytes.NewReader(b[:cut]), "this study"); err == nil {
			t.Fatalf("a journal of %d bytes does not say which study it is of, and is accepted", cut)
		}
	}
}

func TestJournalErrors(t *testing.T) {
	b := journal(t, someOutcomes())
	if _, _, err := ReadJournal(bytes.NewReader(b), "another"); !errors.Is(err, ErrOtherStudy) {
		t.Errorf("another study: %v", err)
	}
	if _, _, err := ReadJournal(bytes.NewReader([]byte("PAR1 and so on, long enough for a head")), "x"); err == nil {
		t.Error("a file that is no journal is accepted")
	}
	broken := io.MultiReader(bytes.NewReader(b[:len(b)-3]), iotest.ErrReader(errors.New("disk on fire")))
	if got, _, err := ReadJournal(broken, "this study"); err == nil || len(got) != 2 {
		t.Errorf("a read error is taken for an end: %d outcomes, %v", len(got), err)
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add(journal(f, someOutcomes()))
	f.Add(journal(f, nil))
	f.Add([]byte(journalMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, whole, err := ReadJournal(bytes.NewReader(b), "this study")
		if err != nil {
			return
		}
		again, same, err := ReadJournal(bytes.NewReader(b[:whole]), "this study")
		if err != nil || same != whole || !reflect.DeepEqual(asJSON(t, again), asJSON(t, got)) {
			t.Fatalf("the whole part reads differently: %d and %d bytes, %v", same, whole, err)
		}
	})
}
