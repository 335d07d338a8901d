package baselines

import (
	"math"
	"math/big"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Probabilistic is the "probabilistic" policy of the OpenTelemetry Collector's tail
// sampling processor: it keeps a trace when the FNV-1a hash (64 bits) of a salt and
// the 16 bytes of its id does not exceed the percentage of 2^64-1. Unlike
// TraceIDRatio it does not trust ids to be random.
//
// Source: opentelemetry-collector-contrib at 0a3557b, tailsamplingprocessor,
// internal/sampling/probabilistic.go. The policy reads nothing but the id, so it
// needs no buffer and is a span sampler here.
//
// Choices: the score is 1 - hash / 2^64, 0..1.
//
// Cost: 20-60 ns, one multiplication a byte of the id; no allocation.
type Probabilistic struct {
	salted    uint64 // state of the hash after the salt
	threshold uint64
}

var _ trace.Sampler = (*Probabilistic)(nil)

// tailHashSalt is what an empty salt stands for in the Collector.
const tailHashSalt = "default-hash-seed"

// NewProbabilistic keeps a percentage, 0..100, of the traces; an empty salt is the
// Collector's default. Processors that shall agree have one salt. It panics for
// other percentages.
func NewProbabilistic(percent float64, salt string) *Probabilistic {
	if !(percent >= 0 && percent <= 100) {
		panic("baselines: the percentage of Probabilistic is 0..100")
	}
	if salt == "" {
		salt = tailHashSalt
	}
	return &Probabilistic{fnv64a(fnvOffset64, []byte(salt)), shareOfUint64(percent / 100)}
}

// shareOfUint64 is floor(ratio * (2^64-1)), with the 64 bits of precision that the
// Collector computes it with; float64 has 53.
func shareOfUint64(ratio float64) uint64 {
	all := new(big.Float).SetUint64(math.MaxUint64)
	share, _ := all.Mul(all, big.NewFloat(ratio)).Uint64()
	return share
}

// Sample decides by the id of the trace alone.
func (b *Probabilistic) Sample(s *trace.Span) trace.Decision {
	id := s.TraceID.Bytes()
	hash := fnv64a(b.salted, id[:])
	return trace.Decision{Score: 1 - math.Ldexp(float64(hash), -64), Keep: hash <= b.threshold}
}

// Learn does nothing.
func (*Probabilistic) Learn(*trace.Span) {}

const (
	fnvOffset64 = 14695981039346656037
	fnvPrime64  = 1099511628211
)

// fnv64a continues an FNV-1a hash; hash/fnv would allocate one a span.
func fnv64a(hash uint64, p []byte) uint64 {
	for _, c := range p {
		hash = (hash ^ uint64(c)) * fnvPrime64
	}
	return hash
}
