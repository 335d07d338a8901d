package hst

import (
	"crypto/sha256"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst/samplertest"
)

func hashedConfig() HashedConfig {
	return HashedConfig{FeatureLength: 16, SamplerConfig: SamplerConfig{NTree: 10, Height: 8, WindowSize: 133,
		MinScore: 0.5, MaxDuration: 10_000, Seed: NewSeed(7)}}
}

func TestHashedConformance(t *testing.T) {
	samplertest.Run(t, func() trace.Sampler {
		s, err := NewHashed(hashedConfig())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, samplertest.Options{AllocFree: true})
}

// TestHashedRecord holds the features to two records of the results that the
// authors published: {'2': 4, '3': 8, '10': 1024, '13': 8192, '15': 32768, 'dur': 2}
// of a 2.1985 ms GetCart, and that of a 0.179 ms HGET.
func TestHashedRecord(t *testing.T) {
	s, err := NewHashed(hashedConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		span trace.Span
		bits []int
		dur  float64
	}{
		{trace.Span{Operation: "POST /oteldemo.CartService/GetCart", Duration: 2_198_500}, []int{2, 3, 10, 13, 15}, 2},
		{trace.Span{Operation: "HGET", Duration: 179_000}, []int{1, 3, 6, 8, 10, 11, 13, 14}, 0},
	} {
		x := s.features(&c.span)
		set := 0
		for i := range 16 {
			if x[s.places[i]] != 0 {
				set++
			}
		}
		for _, b := range c.bits {
			if x[s.places[b]] == 0 {
				t.Errorf("%s: bit %d is not set", c.span.Operation, b)
			}
		}
		if set != len(c.bits) || x[16] != c.dur {
			t.Errorf("%s: %d bits and dur %v, want %d and %v", c.span.Operation, set, x[16], len(c.bits), c.dur)
		}
	}
}

// TestHashedTwin compares with River's model over maps of the values as the authors
// made them: big integers, not normalised.
func TestHashedTwin(t *testing.T) {
	for _, length := range []int{1, 16, 64, 256} {
		cfg := hashedConfig()
		cfg.FeatureLength = length
		fast, err := NewHashed(cfg)
		if err != nil {
			t.Fatal(err)
		}
		forest := cfg.forest()
		forest.Limits = map[string][2]float64{"dur": {0, 10_000}}
		slow, err := NewRiver(forest)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, uint64(length)))
		for i := range 1000 {
			span := trace.Span{Call: trace.Call(rng.IntN(5)), Service: "s" + strconv.Itoa(rng.IntN(3)),
				Operation: "o" + strconv.Itoa(rng.IntN(40)), Duration: int64(math.Exp(rng.NormFloat64()*3) * 1e6)}
			x := mapOf(&span, length)
			fast.Learn(&span)
			if err := slow.Learn(x); err != nil {
				t.Fatal(err)
			}
			d := fast.Sample(&span)
			if d.WarmUp != !slow.Ready() || !d.WarmUp && d.Score != slow.Score(x) {
				t.Fatalf("length %d, span %d: %+v, want %v", length, i, d, slow.Score(x))
			}
		}
	}
}

func mapOf(span *trace.Span, length int) map[string]float64 {
	sum := sha256.Sum256([]byte(span.Service + span.Operation))
	h := new(big.Int).SetBytes(sum[:])
	x := map[string]float64{"dur": math.Floor(span.DurationMS())}
	for i := range length {
		x[strconv.Itoa(i)], _ = new(big.Float).SetInt(new(big.Int).And(h, new(big.Int).Lsh(big.NewInt(1), uint(i)))).Float64()
	}
	return x
}

func TestHashedConfigErrors(t *testing.T) {
	for _, length := range []int{-1, 0, 257} {
		cfg := hashedConfig()
		cfg.FeatureLength = length
		if _, err := NewHashed(cfg); err == nil {
			t.Errorf("feature_length %d is accepted", length)
		}
	}
}
