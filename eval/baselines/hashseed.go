package baselines

import (
	"encoding/binary"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// HashSeed is the OpenTelemetry Collector's probabilistic sampler processor in its
// mode hash_seed: it keeps a trace when the low 14 bits of the FNV-1a hash (32 bits)
// of seed and id are below the percentage of 2^14. All collectors with one seed
// decide alike; the resolution is 0.0061 %.
//
// Source: opentelemetry-collector-contrib at 07841e5, probabilisticsamplerprocessor,
// sampler_mode.go and fnvhasher.go: the percentage is scaled in 32-bit floats and
// rounded to zero.
//
// Choices: the score is (2^14 - 1 - bucket) / 2^14, 0..1. Traces of one bucket tie,
// as they do in the decision.
//
// Cost: 20-30 ns, one multiplication a byte of the id; no allocation.
type HashSeed struct {
	seeded  uint32 // state of the hash after the seed
	buckets uint32 // that are kept
}

var _ trace.Sampler = (*HashSeed)(nil)

const (
	hashBuckets  = 1 << 14
	bucketsAPerc = float32(hashBuckets / 100.0)
)

// NewHashSeed keeps a percentage, 0..100, of the traces. It panics for others.
func NewHashSeed(percent float32, seed uint32) *HashSeed {
	if !(percent >= 0 && percent <= 100) {
		panic("baselines: the percentage of HashSeed is 0..100")
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], seed)
	return &HashSeed{fnv32a(fnvOffset32, b[:]), uint32(percent * bucketsAPerc)}
}

// Sample decides by the id of the trace alone.
func (b *HashSeed) Sample(s *trace.Span) trace.Decision {
	id := s.TraceID.Bytes()
	bucket := fnv32a(b.seeded, id[:]) % hashBuckets
	return trace.Decision{Score: float64(hashBuckets-1-bucket) / hashBuckets, Keep: bucket < b.buckets}
}

// Learn does nothing.
func (*HashSeed) Learn(*trace.Span) {}

const (
	fnvOffset32 = 2166136261
	fnvPrime32  = 16777619
)

func fnv32a(hash uint32, p []byte) uint32 {
	for _, c := range p {
		hash = (hash ^ uint32(c)) * fnvPrime32
	}
	return hash
}
