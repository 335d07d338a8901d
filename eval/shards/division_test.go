package shards

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func raw(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// divided writes a division of one round with units 0 to n-1 and the parts of all shards
// but those of without. The result of unit i is i squared, and once more for odd ones.
func divided(t *testing.T, s *Store, n, shards int, without ...int) *Division {
	t.Helper()
	d := &Division{Version: DivisionVersion, Kind: "compare", Key: "key", Shards: shards, Rounds: [][]json.RawMessage{nil}}
	for i := range n {
		d.Rounds[0] = append(d.Rounds[0], raw(t, i))
	}
	if err := s.WriteDivision(d); err != nil {
		t.Fatal(err)
	}
	for shard := range shards {
		units := d.UnitsOf(0, shard)
		if len(units) == 0 || slices.Contains(without, shard) {
			continue
		}
		var results [][]json.RawMessage
		for _, u := range units {
			results = append(results, slices.Repeat([]json.RawMessage{raw(t, u*u)}, 1+u%2))
		}
		if err := s.WritePart(d, 0, shard, results); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func openStore(t *testing.T) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := OpenStore(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// Any number of shards gives the results in the order of the units.
func TestDivision(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		s, _ := openStore(t)
		n, shards := 1+rng.IntN(30), 1+rng.IntN(8)
		want := divided(t, s, n, shards)
		d, err := s.ReadDivision()
		if err != nil || !reflect.DeepEqual(d, want) {
			t.Fatalf("read %+v, %v; written %+v", d, err, want)
		}
		results, err := s.ReadParts(d)
		if err != nil {
			t.Fatal(err)
		}
		for i, lines := range results[0] {
			if len(lines) != 1+i%2 || string(lines[0]) != fmt.Sprint(i*i) {
				t.Fatalf("%d units in %d shards: unit %d has %s", n, shards, i, lines)
			}
		}
	}
}

// What is missing is told, and a further round does not disturb the first.
func TestDivisionRounds(t *testing.T) {
	s, _ := openStore(t)
	d := divided(t, s, 5, 7, 3)
	missing, err := s.MissingParts(d)
	if err != nil || !reflect.DeepEqual(missing, [][]int{{3}}) {
		t.Errorf("missing %v, %v; shards 5 and 6 have no units", missing, err)
	}
	if _, err := s.ReadParts(d); err == nil || !strings.Contains(err.Error(), "1 of 7 shards are not done, the first: 3") {
		t.Errorf("read: %v", err)
	}
	d = divided(t, s, 5, 7)
	d.Rounds = append(d.Rounds, []json.RawMessage{raw(t, "next")})
	if missing, err := s.MissingParts(d); err != nil || !reflect.DeepEqual(missing, [][]int{nil, {0}}) {
		t.Errorf("with the next round %v, %v are missing", missing, err)
	}
	if err := s.WritePart(d, 1, 0, [][]json.RawMessage{{raw(t, "done")}}); err != nil {
		t.Fatal(err)
	}
	all, err := s.ReadParts(d)
	if err != nil || len(all) != 2 || len(all[0]) != 5 || string(all[1][0][0]) != `"done"` {
		t.Errorf("read %s, %v", all, err)
	}
	for what, results := range map[string][][]json.RawMessage{"none": nil, "too many": {{raw(t, 1)}, {raw(t, 1)}}, "empty": {{}}} {
		if err := s.WritePart(d, 1, 0, results); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// Parts that are damaged, of other plans, or of other units are not taken.
func TestDivisionDamage(t *testing.T) {
	s, dir := openStore(t)
	d := divided(t, s, 6, 2)
	path := filepath.Join(dir, PartFile(0, 1))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := *d
	other.Key = "another"
	refused := func(what, words string, write func() error) {
		t.Helper()
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadParts(d); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), PartFile(0, 1)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := 0; n < len(good); n += 7 {
		refused("cut", "remove it", func() error { return os.WriteFile(path, good[:n], 0o644) })
	}
	three := [][]json.RawMessage{{raw(t, 1)}, {raw(t, 1)}, {raw(t, 1)}}
	refused("other plan", "of another plan", func() error { return s.WritePart(&other, 0, 1, three) })
	refused("other shard", "unit 0", func() error {
		first, err := os.ReadFile(filepath.Join(dir, PartFile(0, 0)))
		if err != nil {
			return err
		}
		return os.WriteFile(path, first, 0o644)
	})
	refused("fewer units", "no result of unit 5", func() error {
		fewer := *d
		fewer.Rounds = [][]json.RawMessage{d.Rounds[0][:5]}
		divided(t, s, 6, 2)
		return s.WritePart(&fewer, 0, 1, three[:2])
	})
}

// A store has one kind of plan, and says which.
func TestKinds(t *testing.T) {
	s, dir := openStore(t)
	if _, err := s.Kind(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty store: %v", err)
	}
	divided(t, s, 1, 1)
	var kind *KindError
	if _, err := s.ReadPlan(); !errors.As(err, &kind) || kind.Kind != "compare" {
		t.Errorf("a division as a run: %v", err)
	}
	if k, err := s.Kind(); k != "compare" || err != nil {
		t.Errorf("kind %q, %v", k, err)
	}
	if err := s.WritePlan(&Plan{Version: PlanVersion, Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadDivision(); !errors.As(err, &kind) || kind.Kind != "run" {
		t.Errorf("a run as a division: %v", err)
	}
	if p, err := s.ReadPlan(); err != nil || p.Key != "k" {
		t.Errorf("a run: %+v, %v", p, err)
	}
	for _, bad := range []string{"", "{}", "[]", `{"kind":"compare"}`, `{"kind":"compare","version":1,"shards":-1,"rounds":[[]]}`} {
		if err := os.WriteFile(filepath.Join(dir, PlanFile), []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		_, asRun := s.ReadPlan()
		_, asDivision := s.ReadDivision()
		if asRun == nil || asDivision == nil {
			t.Errorf("%q: %v, %v", bad, asRun, asDivision)
		}
	}
}
