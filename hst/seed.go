package hst

import (
	"fmt"
	"math/big"
)

// Seed is an integer of any size and sign, as CPython's random.seed takes. The
// zero value is the seed 0. Seeds compare with ==.
//
// CPython seeds with the absolute value: -5 and 5 are different Seeds that grow
// the same forest.
type Seed struct {
	negative  bool
	magnitude string // big-endian bytes of |seed|, no leading zero byte
}

// NewSeed is the seed n.
func NewSeed(n int64) Seed { return BigSeed(big.NewInt(n)) }

// BigSeed is the seed n, copied.
func BigSeed(n *big.Int) Seed {
	return Seed{n.Sign() < 0, string(n.Bytes())}
}

// ParseSeed reads a decimal integer with an optional sign, of any length.
func ParseSeed(text string) (Seed, error) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return Seed{}, fmt.Errorf("hst: seed %q: want a decimal integer such as 42 or -7", clip(text, 40))
	}
	return BigSeed(n), nil
}

// String is the seed in decimal.
func (s Seed) String() string {
	n := new(big.Int).SetBytes([]byte(s.magnitude))
	if s.negative {
		n.Neg(n)
	}
	return n.String()
}

// MarshalText writes the seed in decimal.
func (s Seed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSeed reads.
func (s *Seed) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSeed(string(text))
	return err
}

// words is |seed| as little-endian 32-bit words, [0] for zero: the key that
// CPython hands to init_by_array.
func (s Seed) words() []uint32 {
	words := make([]uint32, max(1, (len(s.magnitude)+3)/4))
	for i := range len(s.magnitude) {
		b := s.magnitude[len(s.magnitude)-1-i]
		words[i/4] |= uint32(b) << (8 * (i % 4))
	}
	return words
}

// clip shortens what an error quotes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
