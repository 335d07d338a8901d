package reports

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/scale-eval/scale-eval/eval"
)

// undefined stands for a rate without a denominator. It is never printed as 0.
const undefined = "n/a"

// clean makes a name from the outside safe to show and at most limit runes long.
// Control characters, the bidirectional overrides that reorder the text around them
// and invalid UTF-8 become U+FFFD; a cut name ends in "…". The cost does not grow
// with the part that is cut away.
func clean(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			cut := []rune(b.String())
			return string(cut[:limit-1]) + "…"
		}
		if !showable(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// showable says whether a rune prints where it stands: U+2028 and U+2029 break
// lines, format characters (Cf) reorder or hide text, non-characters are not XML.
func showable(r rune) bool {
	switch {
	case r == ' ', r == '\u200d', r == '\u200c': // joiners shape Arabic, Indic and emoji text
		return true
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return false
	case r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
		return false
	}
	return !unicode.IsControl(r)
}

// count writes 57908 as "57,908".
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

func finite(n eval.Number) bool {
	return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0)
}

// unit3 writes a value of [-1, 1] with three decimals.
func unit3(n eval.Number) string {
	if !finite(n) {
		return undefined
	}
	s := strconv.FormatFloat(float64(n), 'f', 3, 64)
	if s == "-0.000" {
		return "0.000"
	}
	return s
}

// bound3 is unit3 without the leading zero: intervals stay narrow.
func bound3(n eval.Number) string {
	return strings.Replace(unit3(n), "0.", ".", 1)
}

// percentDigits writes a share as a number of percent with three significant digits
// and at most four decimals: false-positive rates of interest span 0.001 to 100 %.
func percentDigits(n eval.Number) string {
	p := 100 * float64(n)
	switch a := math.Abs(p); {
	case p == 0:
		return "0"
	case a < 0.0001:
		return "<.0001"
	case a >= 99.95:
		return strconv.FormatFloat(p, 'f', 0, 64)
	default:
		decimals := 2 - int(math.Floor(math.Log10(a)))
		return strconv.FormatFloat(p, 'f', min(decimals, 4), 64)
	}
}

func percent(n eval.Number) string {
	if !finite(n) {
		return undefined
	}
	return percentDigits(n) + "%"
}

// interval writes "[lo,hi]" with format, or "" when either end is unknown.
func interval(r eval.Rate, format func(eval.Number) string) string {
	if !finite(r.Lo) || !finite(r.Hi) {
		return ""
	}
	return "[" + format(r.Lo) + "," + format(r.Hi) + "]"
}

// unitRate writes "0.800 [.789,.811]".
func unitRate(r eval.Rate) string { return joined(unit3(r.Value), interval(r, bound3)) }

// percentRate writes "2.63% [2.50,2.77]".
func percentRate(r eval.Rate) string { return joined(percent(r.Value), interval(r, percentDigits)) }

func joined(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}

// cutoff writes a threshold with six significant digits.
func cutoff(n eval.Number) string {
	if !finite(n) {
		return undefined
	}
	return strconv.FormatFloat(float64(n), 'g', 6, 64)
}

// nanoseconds writes a duration in the unit that leaves one to three digits before
// the point.
func nanoseconds(n eval.Number) string {
	if !finite(n) {
		return undefined
	}
	v, unit := float64(n), "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if math.Abs(v) < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	return strconv.FormatFloat(v, 'g', 3, 64) + " " + unit
}

// level writes a false-positive rate that was asked for: "0.1%", "3%".
func level(fpr float64) string {
	return strconv.FormatFloat(100*fpr, 'g', 3, 64) + "%"
}

// seconds writes a detection delay.
func seconds(n eval.Number) string {
	if !finite(n) {
		return "none"
	}
	return strconv.FormatFloat(float64(n), 'f', 1, 64) + " s"
}

// unknownRate is a rate that was not measured.
var unknownRate = eval.Rate{Value: eval.Number(math.NaN()), Lo: eval.Number(math.NaN()), Hi: eval.Number(math.NaN())}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
