package trace

import (
	"hash/maphash"
	"math/bits"
)

// IDHasher hashes trace ids for hash tables. Ids come from outside: without a secret,
// which each hasher has of its own, somebody could choose them to be all in one place.
// The zero value has none.
type IDHasher struct{ hi, lo uint64 }

// NewIDHasher makes one with a new secret.
func NewIDHasher() IDHasher {
	seed := maphash.MakeSeed()
	return IDHasher{maphash.String(seed, "hi"), maphash.String(seed, "lo")}
}

// Hash multiplies the halves, each with its secret, and folds the product: all 64 bits
// depend on all of id. Cost: 1 multiplication.
func (h IDHasher) Hash(id TraceID) uint64 {
	hi, lo := bits.Mul64(id.Hi^h.hi, id.Lo^h.lo)
	return hi ^ lo
}
