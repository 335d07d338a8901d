package hst

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// snapshotForest is a small forest in the middle of its third window.
func snapshotForest(t testing.TB) *Forest {
	cfg := Config{Trees: 3, Height: 4, Window: 20, Seed: NewSeed(-7), Limits: map[string][2]float64{"b": {0, 4}, "unused": {1, 2}}}
	f, err := NewForest(cfg, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 47 {
		f.Learn([]float64{rng.Float64(), 4 * rng.Float64()}, nil)
	}
	return f
}

// The bytes were put together by hand: splits from CPython's random.Random(42),
// masses by following the three values, checksums with hashlib. They fix the
// format: a change that breaks old snapshots fails here, as does an architecture
// that grows other trees or writes other bytes.
func TestSnapshotBytesAreStable(t *testing.T) {
	f, err := NewForest(Config{Trees: 1, Height: 2, Window: 2, Seed: NewSeed(42)}, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []float64{0.1, 0.9, 0.7} {
		f.Learn([]float64{x}, nil)
	}
	got := hex.EncodeToString(f.Snapshot())
	want := strings.Join([]string{
		"48535446" + "0100", // magic, version
		"00" + "01000000" + "02" + "02000000" + "00" + "01000000" + "2a", // river, 1 tree, height 2, window 2, seed +42
		"00000000" + "01000000" + "01000000" + "78",                      // no limits, one feature "x"
		"0300000000000000", // three observations
		"35fa98300c4dc7681080284824bc936a5f7107d568d70c6469ea7b3b770e7e92", // sha256 of the splits 0.168, 0.051, 0.687
		"0100" + "00" + "0000", // left of root: r=1 l=0; left of that r=0; left of root's right: r=0 l=0
		"99ff0bcda5323dc963925ed94ec10de12636aae2a735d943ab137bc1d1193b14",
	}, "")
	if got != want {
		t.Errorf("snapshot is\n%s, want\n%s", got, want)
	}
}

func TestSnapshotContinuesAtEverySpan(t *testing.T) {
	f := snapshotForest(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 60 {
		g, err := RestoreForest(f.Snapshot(), f.MemoryBytes())
		if err != nil {
			t.Fatalf("after %d more: %v", i, err)
		}
		if !bytes.Equal(g.Snapshot(), f.Snapshot()) || g.Learned() != f.Learned() || g.Ready() != f.Ready() {
			t.Fatalf("after %d more: the snapshot of a restored forest differs", i)
		}
		x := []float64{rng.Float64(), 4 * rng.Float64()}
		if got, want := g.ScoreLearn(x, nil), f.ScoreLearn(x, nil); got != want {
			t.Fatalf("after %d more: score %v, want %v", i, got, want)
		}
	}
}

func TestSnapshotOfRiverBeforeItsFirstObservation(t *testing.T) {
	r, err := NewRiver(DefaultConfig(NewSeed(1)))
	if err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	if _, err := RestoreForest(s, 1<<20); !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), "RestoreRiver") {
		t.Errorf("RestoreForest: %v, want to be sent to RestoreRiver", err)
	}
	back, err := RestoreRiver(s, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	x := map[string]float64{"x": 0.5}
	for range 300 {
		if r.Learn(x) != nil || back.Learn(x) != nil {
			t.Fatal("cannot learn")
		}
	}
	if !back.Ready() || back.Score(x) != r.Score(x) || back.Mass(x) != r.Mass(x) {
		t.Errorf("restored model scores %v, the original %v", back.Score(x), r.Score(x))
	}
}

func TestSnapshotRefusesEveryCutAndEveryFlippedBit(t *testing.T) {
	s := snapshotForest(t).Snapshot()
	for n := range s {
		if _, err := RestoreForest(s[:n], 1<<20); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	for i := range s {
		bad := bytes.Clone(s)
		bad[i] ^= 1 << (i % 8)
		if _, err := RestoreForest(bad, 1<<20); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if _, err := RestoreForest(append(s, 0), 1<<20); !errors.Is(err, ErrSnapshot) {
		t.Fatalf("one byte too long: %v", err)
	}
}

// reseal changes the body of a snapshot and gives it a checksum that fits, as an
// attacker would.
func reseal(s []byte, change func(body []byte) []byte) []byte {
	return seal(change(bytes.Clone(s[:len(s)-32])))
}

func TestSnapshotErrorsSayWhatIsWrong(t *testing.T) {
	s := snapshotForest(t).Snapshot()
	set := func(at int, b ...byte) func([]byte) []byte {
		return func(body []byte) []byte { copy(body[at:], b); return body }
	}
	huge := binary.LittleEndian.AppendUint32(nil, math.MaxUint32)
	learnt := len(appendHeader(nil, snapshotForest(t).cfg, []string{"a", "b"}))
	for _, test := range []struct {
		name     string
		snapshot []byte
		max      int64
		want     string
	}{
		{"empty", nil, 1 << 20, "too few"},
		{"other file", bytes.Repeat([]byte("<html>"), 20), 1 << 20, `starts with "<htm"`},
		{"later version", reseal(s, set(4, 2)), 1 << 20, "version 2"},
		{"cut", s[:len(s)-1], 1 << 20, "checksum"},
		{"too large for the caller", s, 2000, "more than the 2000 allowed"},
		{"too large for anyone", reseal(s, set(7, huge...)), math.MaxInt64, "Trees"},
		{"height", reseal(s, set(11, 255)), math.MaxInt64, "Height"},
		{"seed length", reseal(s, set(17, huge...)), 1 << 20, "can hold"},
		{"other seed", reseal(s, set(16, 0, 1, 0, 0, 0, 8)), 1 << 20, "not those that this build grows"},
		{"limits", reseal(s, set(22, huge...)), 1 << 20, "can hold"},
		{"observations", reseal(s, set(learnt+7, 255)), 1 << 20, "observations"},
		{"trailing", reseal(s, func(b []byte) []byte { return append(b, 0) }), 1 << 20, "1 bytes too long"},
		{"masses end", reseal(s, func(b []byte) []byte { return b[:len(b)-1] }), 1 << 20, "ends within the masses"},
		{"mass", reseal(s, set(learnt+8+32, 21)), 1 << 20, "mass 21, its parent only 20"},
	} {
		_, err := RestoreForest(test.snapshot, test.max)
		if !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestMergeSaysWhy(t *testing.T) {
	f := snapshotForest(t)
	before := f.Snapshot()
	err := f.Merge(f.Clone())
	if !errors.Is(err, ErrMerge) || !strings.Contains(err.Error(), "not additive across windows") {
		t.Errorf("Merge: %v", err)
	}
	if !bytes.Equal(before, f.Snapshot()) {
		t.Error("a refused Merge changed the forest")
	}
}

// FuzzRestore gives arbitrary bodies a valid checksum, so that what lies behind
// it is reached. Whatever restores must be usable and must survive a round trip.
func FuzzRestore(f *testing.F) {
	forest := snapshotForest(f)
	s := forest.Snapshot()
	f.Add(s[:len(s)-32], true)
	f.Add(s, false)
	f.Add(appendHeader(nil, DefaultConfig(NewSeed(1)), nil), true)
	f.Add([]byte("HSTF"), false)
	f.Fuzz(func(t *testing.T, data []byte, fix bool) {
		if fix {
			data = seal(bytes.Clone(data))
		}
		const maxBytes = 1 << 16
		r, err := RestoreRiver(data, maxBytes)
		if err != nil {
			if !errors.Is(err, ErrSnapshot) || r != nil {
				t.Fatalf("error %v with model %v", err, r)
			}
			return
		}
		if r.forest == nil {
			return
		}
		if r.forest.MemoryBytes() > maxBytes {
			t.Fatalf("restored a forest of %d bytes, %d allowed", r.forest.MemoryBytes(), maxBytes)
		}
		again, err := RestoreForest(r.Snapshot(), maxBytes)
		if err != nil {
			t.Fatalf("its own snapshot: %v", err)
		}
		x := make([]float64, len(again.Features()))
		if got, want := again.ScoreLearn(x, nil), r.forest.ScoreLearn(x, nil); got != want || got < 0 || got > 1 {
			t.Fatalf("score %v after a round trip, %v before", got, want)
		}
	})
}
