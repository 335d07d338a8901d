package input

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAppendScaledIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	values := []int64{0, 1, -1, 1_500_000, math.MaxInt64, math.MinInt64 + 1, 1e18, 100}
	for range 5000 {
		values = append(values, rng.Int64()>>rng.IntN(63))
	}
	for _, v := range values {
		for _, scale := range []int{0, 3, 6} {
			text := AppendScaled(nil, v, scale)
			if got, err := Scaled(text, scale); got != v || err != nil {
				t.Fatalf("%d -> %s -> %d, %v (scale %d)", v, text, got, err, scale)
			}
		}
	}
	if got := string(AppendScaled(nil, 1_500_000, 6)); got != "1.5" {
		t.Errorf("1.5 ms is written %q", got)
	}
}

func TestAppendFieldRoundTrips(t *testing.T) {
	for _, s := range []string{"", "plain", "a,b", `say "x"`, "two\nlines", `"`, " "} {
		line := append(AppendField([]byte("a,b\n"), s), ",end\n"...)
		rows, bad := rowsOf(t, string(line))
		if len(bad) > 0 || len(rows) != 1 || rows[0][0] != s {
			t.Errorf("%q: written %q, read %q %v", s, line, rows, bad)
		}
	}
}
