package input

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestMillis(t *testing.T) {
	// Expected values by hand: x ms = x * 1e6 ns, half to even.
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "5": 5e6, "5000.589": 5_000_589_000, "+1.5": 1_500_000, "-2": -2e6,
		"0.000001": 1, "0.0000005": 0, "0.0000015": 2, "0.0000025": 2, "0.00000250000000000000000001": 3,
		"1e-6": 1, "1.5E+3": 1_500_000_000, "1e3": 1e9, ".5": 500_000, "7.": 7e6,
		"9223372036854.775807": math.MaxInt64, "0.0130000000000000001": 13_000, "5424.227557": 5_424_227_557,
	} {
		if got, err := Millis([]byte(text)); got != want || err != nil {
			t.Errorf("Millis(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": ErrNotNumber, "NaN": ErrNotNumber, "inf": ErrNotNumber, "1.2.3": ErrNotNumber, "0x10": ErrNotNumber,
		"1e": ErrNotNumber, "e5": ErrNotNumber, ".": ErrNotNumber, "-": ErrNotNumber, "--1": ErrNotNumber, "1_0": ErrNotNumber,
		"1 ": ErrNotNumber, "1e99999999999999999999": ErrRange, "1e300": ErrRange, "9223372036854.775808": ErrRange,
		"9223372036855": ErrRange, strings.Repeat("9", 2000): ErrRange,
	} {
		if got, err := Millis([]byte(text)); !errors.Is(err, want) {
			t.Errorf("Millis(%q) = %d, %v; want %v", text, got, err, want)
		}
	}
}

// TestScaledAgainstRat compares the fast path with exact rational arithmetic.
func TestScaledAgainstRat(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		text := strconv.FormatUint(rng.Uint64()>>rng.IntN(64), 10)
		if rng.IntN(4) > 0 {
			cut := rng.IntN(len(text) + 1)
			text = text[:cut] + "." + text[cut:]
		}
		scale := []int{0, 3, 6, 9}[rng.IntN(4)]
		x, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		want, wantErr := roundRat(x.Mul(x, ratPow10(scale)))
		got, err := Scaled([]byte(text), scale)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Fatalf("Scaled(%q, %d) = %d, %v; want %d, %v", text, scale, got, err, want, wantErr)
		}
	}
}

func TestInts(t *testing.T) {
	for _, text := range []string{"0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "+5", "-", "", "1a",
		"18446744073709551615", "18446744073709551616", "99999999999999999999", "000000000000000000000000001", "9999999999999999999999x"} {
		want, wantErr := strconv.ParseInt(text, 10, 64)
		got, err := Int([]byte(text))
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Errorf("Int(%q) = %d, %v; want %d, %v", text, got, err, want, wantErr)
		}
		u, uErr := strconv.ParseUint(text, 10, 64)
		gotU, err := Uint([]byte(text))
		if (err == nil) != (uErr == nil) || err == nil && gotU != u {
			t.Errorf("Uint(%q) = %d, %v; want %d, %v", text, gotU, err, u, uErr)
		}
	}
	if hi, lo, ok := Hex([]byte("00Ff000000000000000000000000000a")); hi != 0x00ff<<48 || lo != 10 || !ok {
		t.Errorf("Hex: %x %x %v", hi, lo, ok)
	}
	for _, bad := range []string{"", "g", "0x1", strings.Repeat("0", 33)} {
		if _, _, ok := Hex([]byte(bad)); ok {
			t.Errorf("Hex(%q) is ok", bad)
		}
	}
}

func TestParsersDoNotAllocate(t *testing.T) {
	ms, id, hex := []byte("5000.589"), []byte("-1990250972"), []byte("ed02334a205de5e4")
	var s Strings
	n := testing.AllocsPerRun(100, func() {
		_, _ = Millis(ms)
		_, _ = Int(id)
		_, _, _ = Hex(hex)
		s.Get(id)
		s.Get(hex)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzScaled(f *testing.F) {
	for _, s := range []string{"1.5", "1e-7", "0.00000250000001", "-9e18", "NaN", "1e400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Scaled([]byte(text), 6)
		if err != nil {
			return
		}
		x, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("Scaled takes %q, big.Rat does not", text)
		}
		if want, _ := roundRat(x.Mul(x, ratPow10(6))); got != want {
			t.Errorf("Scaled(%q) = %d, want %d", text, got, want)
		}
	})
}
