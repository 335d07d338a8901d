package input

import "strings"

// AppendField appends s as a CSV field, quoted when it must be.
func AppendField(dst []byte, s string) []byte {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// AppendScaled appends ns divided by 10^scale as an exact decimal without
// trailing zeros: AppendScaled(nil, 1500000, 6) is "1.5". [Scaled] inverts it.
func AppendScaled(dst []byte, ns int64, scale int) []byte {
	u := uint64(ns)
	if ns < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = appendUint(dst, u/pow10[scale], 1)
	frac := u % pow10[scale]
	if frac == 0 {
		return dst
	}
	dst = appendUint(append(dst, '.'), frac, scale)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendUint appends u with at least width digits.
func appendUint(dst []byte, u uint64, width int) []byte {
	var b [20]byte
	i := len(b)
	for u > 0 || len(b)-i < width {
		i--
		b[i] = byte('0' + u%10)
		u /= 10
	}
	return append(dst, b[i:]...)
}
