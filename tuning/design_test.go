package tuning

import (
	"slices"
	"testing"
)

func mustSpace(t testing.TB, texts ...string) *Space {
	t.Helper()
	s, err := ParseSpace(texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGridIsEveryPointOnce(t *testing.T) {
	s := mustSpace(t, "a=1,2,3", "b=x,y", "min_score=.1,.2")
	g, err := Grid(s)
	if err != nil {
		t.Fatal(err)
	}
	points := g.Next()
	keys := map[string]bool{}
	for _, p := range points {
		keys[s.Key(p)] = true
	}
	if len(points) != 6 || len(keys) != 6 || len(g.Next()) != 0 {
		t.Errorf("%d points, %d of them distinct", len(points), len(keys))
	}
	if !slices.IsSortedFunc(points, s.Compare) {
		t.Error("the grid is not in the order of Compare")
	}
	if _, err := Grid(mustSpace(t, "a=0..1.5")); err == nil {
		t.Error("a range without a step has no grid")
	}
	if _, err := Grid(mustSpace(t, "a=1..9999", "b=1..9999")); err == nil {
		t.Error("a grid of 10^8 models is accepted")
	}
}

func TestRandomDoesNotRepeat(t *testing.T) {
	s := mustSpace(t, "a=1,2,3", "b=x,y")
	keys := map[string]bool{}
	points := Random(s, 100, 1).Next()
	for _, p := range points {
		keys[s.Key(p)] = true
	}
	if len(points) != 6 || len(keys) != 6 {
		t.Errorf("%d points, %d distinct: want all 6 of the space", len(points), len(keys))
	}
}

// TestLatinHypercube: of n points, each n-th of every range has one.
func TestLatinHypercube(t *testing.T) {
	s := mustSpace(t, "a=0..1.0", "b=10..1000.0:log")
	points := LatinHypercube(s, 50, 3).Next()
	if len(points) != 50 {
		t.Fatalf("%d points", len(points))
	}
	for k, p := range s.Params {
		cells := map[int]int{}
		for _, x := range points {
			cells[int(p.position(x[k])*50)]++
		}
		if len(cells) < 47 { // values are rounded to four digits, which moves some over a border
			t.Errorf("%s: %d of 50 cells are taken", p.Name, len(cells))
		}
	}
}

func TestDesignsFollowTheirSeed(t *testing.T) {
	s := mustSpace(t, "a=0..1.0", "b=1..9")
	for name, design := range map[string]func(uint64) []Point{
		"random": func(seed uint64) []Point { return Random(s, 5, seed).Next() },
		"lhs":    func(seed uint64) []Point { return LatinHypercube(s, 5, seed).Next() },
		"tpe":    func(seed uint64) []Point { return TPE(s, 5, seed, TPEOptions{StartUp: 5}).Next() },
	} {
		same := func(a, b []Point) bool { return slices.EqualFunc(a, b, slices.Equal) }
		if !same(design(1), design(1)) || same(design(1), design(2)) {
			t.Errorf("%s: not one design a seed", name)
		}
	}
}
