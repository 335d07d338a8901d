package input

import (
	"errors"
	"math"
	"math/big"
)

// Errors of the number parsers. They carry no position: the caller knows it.
var (
	ErrNotNumber = errors.New("not a number")
	ErrRange     = errors.New("number out of range")
)

// Int parses a decimal int64 with an optional sign.
func Int(b []byte) (int64, error) {
	neg, digits := sign(b)
	u, err := Uint(digits)
	if err != nil {
		return 0, err
	}
	if neg {
		if u > 1<<63 {
			return 0, ErrRange
		}
		return -int64(u), nil
	}
	if u > math.MaxInt64 {
		return 0, ErrRange
	}
	return int64(u), nil
}

// Uint parses a decimal uint64 without a sign.
func Uint(b []byte) (uint64, error) {
	if len(b) == 0 {
		return 0, ErrNotNumber
	}
	var u uint64
	for i, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return 0, ErrNotNumber
		}
		if i >= 19 && (u > math.MaxUint64/10 || u*10 > math.MaxUint64-d) {
			return 0, rangeOrText(b[i:])
		}
		u = u*10 + d
	}
	return u, nil
}

func rangeOrText(rest []byte) error {
	for _, c := range rest {
		if c-'0' > 9 {
			return ErrNotNumber
		}
	}
	return ErrRange
}

func sign(b []byte) (neg bool, rest []byte) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return b[0] == '-', b[1:]
	}
	return false, b
}

// Hex parses 1 to 32 hexadecimal digits of either case as a 128-bit number. ok is
// false for anything else.
func Hex(b []byte) (hi, lo uint64, ok bool) {
	if len(b) == 0 || len(b) > 32 {
		return 0, 0, false
	}
	for _, c := range b {
		d := hexDigit[c]
		if d == noDigit {
			return 0, 0, false
		}
		hi = hi<<4 | lo>>60
		lo = lo<<4 | uint64(d)
	}
	return hi, lo, true
}

const noDigit = 0xff

var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = noDigit
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = byte(10 + i)
	}
	return t
}()

// Millis parses a decimal number of milliseconds, such as "5000.589" or "1e-3",
// as ns. It rounds the decimal itself half to even: no binary fraction comes in
// between. NaN, infinities and hexadecimal are ErrNotNumber; a result beyond int64
// is ErrRange.
func Millis(b []byte) (ns int64, err error) { return Scaled(b, 6) }

// Micros is Millis for microseconds.
func Micros(b []byte) (ns int64, err error) { return Scaled(b, 3) }

// Scaled parses a decimal number and returns it times 10^scale, rounded half to
// even. scale is 0 to 18. Cost: one pass; above 18 significant digits, or with an
// exponent, arbitrary-precision arithmetic.
func Scaled(b []byte, scale int) (int64, error) {
	neg, digits := sign(b)
	mant, frac, n := uint64(0), 0, 0
	dot := false
	for i, c := range digits {
		if d := uint64(c - '0'); d <= 9 {
			mant = mant*10 + d
			n++
			if dot {
				frac++
			}
			continue
		}
		if c == '.' && !dot {
			dot = true
			continue
		}
		return scaledSlow(b, digits[i:], scale)
	}
	if n == 0 {
		return 0, ErrNotNumber
	}
	if n > 18 { // mant may have wrapped
		return scaledSlow(b, nil, scale)
	}
	if frac > scale {
		return signed(neg, divHalfEven(mant, pow10[frac-scale])), nil
	}
	p := pow10[scale-frac]
	if mant > math.MaxInt64/p {
		return 0, ErrRange
	}
	return signed(neg, mant*p), nil
}

func signed(neg bool, u uint64) int64 {
	if neg {
		return -int64(u)
	}
	return int64(u)
}

func divHalfEven(a, b uint64) uint64 {
	q, r := a/b, a%b
	if r > b-r || r == b-r && q&1 == 1 {
		q++
	}
	return q
}

var pow10 = func() (t [19]uint64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = 10 * t[i-1]
	}
	return t
}()

// maxDecimal and maxExponent bound the work of scaledSlow.
const (
	maxDecimal  = 1000
	maxExponent = 400
)

// scaledSlow handles many digits and exponents. rest is where the fast path
// stopped: nil, or a text that must be an exponent.
func scaledSlow(b, rest []byte, scale int) (int64, error) {
	exp := int64(0)
	if len(rest) > 0 {
		var err error
		if rest[0] != 'e' && rest[0] != 'E' {
			return 0, ErrNotNumber
		}
		if exp, err = Int(rest[1:]); err != nil {
			return 0, err
		}
	}
	mantissa := b[:len(b)-len(rest)]
	if len(mantissa) > maxDecimal || exp < -maxExponent || exp > maxExponent {
		return 0, ErrRange
	}
	x, ok := new(big.Rat).SetString(string(mantissa))
	if !ok {
		return 0, ErrNotNumber
	}
	return roundRat(x.Mul(x, ratPow10(int(exp)+scale)))
}

func ratPow10(e int) *big.Rat {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e, -e))), nil)
	r := new(big.Rat).SetInt(p)
	if e < 0 {
		r.Inv(r)
	}
	return r
}

func roundRat(x *big.Rat) (int64, error) {
	neg := x.Sign() < 0
	x.Abs(x)
	q, r := new(big.Int).QuoRem(x.Num(), x.Denom(), new(big.Int))
	if c := r.Lsh(r, 1).Cmp(x.Denom()); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		return 0, ErrRange
	}
	return signed(neg, q.Uint64()), nil
}
