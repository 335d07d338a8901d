package hst

import (
	"slices"
	"testing"
)

// The hashes come from a few lines of Python that call CPython 3.11's random as
// River 0.22 does, and the same for the paper's splits (pre-order: name, a zero
// byte, float64 little-endian). They must hold on every machine, so a compiler
// that fuses a multiplication into an addition fails here.
func TestForestsAreTheSameOnEveryMachine(t *testing.T) {
	seed, err := ParseSeed("-123456789012345678901")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Trees: 5, Height: 10, Window: 1, Seed: seed,
		Limits: map[string][2]float64{"b": {-1.5, 0.1}, "duration": {0, 10_000}, "é": {3, 7}}}
	for variant, want := range map[Variant]string{
		VariantRiver:   "800c04114226a549cbde216fc6ae8d9e47a65f3f2e46ca0690c19172bee24553",
		VariantTan2011: "34444c2a25fcb46054c942f20c93c4eacd2858ee0c2437dd7a34649b41ef8b6d",
	} {
		cfg.Variant = variant
		f, err := NewForest(cfg, []string{"a", "b", "duration", "é"})
		if err != nil {
			t.Fatal(err)
		}
		if got := branchHash(f, cfg.Trees); got != want {
			t.Errorf("%v: the trees hash to %s, want %s", variant, got, want)
		}
	}
}

func TestFirstTreesDoNotDependOnTrees(t *testing.T) {
	cfg := Config{Trees: 3, Height: 5, Window: 1, Seed: NewSeed(11)}
	few, err := grow(cfg, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Trees = 8
	more, err := grow(cfg, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	n := len(few.threshold)
	if n != 3*31 || !slices.Equal(few.threshold, more.threshold[:n]) || !slices.Equal(few.feature, more.feature[:n]) {
		t.Error("the first 3 of 8 trees are not the 3 trees")
	}
}

func TestPreorder(t *testing.T) {
	var got []int
	preorder(7, func(i int) { got = append(got, i) })
	if want := []int{0, 1, 3, 4, 2, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("pre-order of 7 nodes in heap order is %v, want %v", got, want)
	}
}
