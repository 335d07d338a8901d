package hst

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

// From the output of mt19937ar.c, the authors' reference program, which seeds
// with this key.
func TestMT19937InitByArrayIsTheReference(t *testing.T) {
	m := &mt19937{next: mtWords}
	m.initGenrand(mtArraySeed)
	m.initByArray([]uint32{0x123, 0x234, 0x345, 0x456})
	for i, want := range []uint32{1067595299, 955945823, 477289528, 4107218783, 4228976476} {
		if got := m.uint32(); got != want {
			t.Fatalf("word %d is %d, want %d", i, got, want)
		}
	}
}

// The C++ standard, [rand.predef]: the 10000th word of mt19937, seeded with 5489.
func TestMT19937TenThousandthWord(t *testing.T) {
	m := &mt19937{next: mtWords}
	m.initGenrand(5489)
	for range 9999 {
		m.uint32()
	}
	if got := m.uint32(); got != 4123659995 {
		t.Fatalf("word 10000 is %d, want 4123659995", got)
	}
}

// From CPython 3.11: [random.Random(seed).random() for seed in ...].
func TestMT19937SeedsAsCPython(t *testing.T) {
	for text, want := range map[string]float64{
		"0":                             0.8444218515250481,
		"42":                            0.6394267984578837,
		"-42":                           0.6394267984578837,
		"4294967295":                    0.6353574441341173,
		"4294967296":                    0.11299430095636409,
		"-18446744073709551616":         0.9776462743838505,
		"1" + strings.Repeat("0", 3000): 0.5223798040800691,
	} {
		seed, err := ParseSeed(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := newMT19937(seed).float64(); got != want {
			t.Errorf("seed %s: random() is %v, want %v", clip(text, 30), got, want)
		}
	}
}

func TestSeed(t *testing.T) {
	for _, text := range []string{"0", "1", "-1", "255", "256", "-4294967296", "123456789012345678901234567890"} {
		seed, err := ParseSeed(text)
		if err != nil || seed.String() != text {
			t.Errorf("ParseSeed(%q) is %v, %v", text, seed, err)
		}
		n, _ := new(big.Int).SetString(text, 10)
		if seed != BigSeed(n) || n.IsInt64() && seed != NewSeed(n.Int64()) {
			t.Errorf("seeds of %s from text, big.Int and int64 differ", text)
		}
		var back Seed
		if b, err := seed.MarshalText(); err != nil || back.UnmarshalText(b) != nil || back != seed {
			t.Errorf("seed %s does not survive MarshalText", text)
		}
	}
	if NewSeed(math.MinInt64).String() != "-9223372036854775808" || NewSeed(0) != (Seed{}) {
		t.Error("the smallest int64 or zero is not itself")
	}
	if _, err := ParseSeed("4x2"); err == nil || !strings.Contains(err.Error(), `"4x2"`) {
		t.Errorf("ParseSeed(4x2): %v, want an error that quotes it", err)
	}
	for _, text := range []string{"", " 1", "1.0", "0x10", "1_000", strings.Repeat("9", 100) + "z"} {
		if _, err := ParseSeed(text); err == nil || len(err.Error()) > 120 {
			t.Errorf("ParseSeed(%q): %v, want a short error", clip(text, 20), err)
		}
	}
}
