package tuning

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxLevels bounds the levels of one parameter, so that a mistyped step is an error
// and not an allocation of the whole machine.
const MaxLevels = 100_000

// Param is one dimension of a search: the name of an option and the values that it
// may take. Values are texts, as on a command line, because that is where they
// come from and go to.
type Param struct {
	Name string
	// Levels are the values in order, ascending where they are numbers. nil: every
	// number from Lo to Hi.
	Levels []string
	// Lo and Hi are the ends of a range without a step.
	Lo, Hi float64
	// Log says that factors count and not differences: draws are uniform in the
	// logarithm, and axes are drawn so.
	Log bool
	// Integer says that the numbers of a log range are whole.
	Integer bool

	numbers []float64 // of Levels; nil: categories
}

// ParseParam reads "name=values". Values are
//
//	12,16,32          a list, of numbers, durations (5ms) or words
//	8..12             whole numbers, both ends included
//	0.4..0.6:0.01     numbers with a step
//	0.4..0.6          any number between
//	50..5000:log      any number between, uniform in the logarithm
//	50..5000:log7     7 numbers, evenly spaced in the logarithm
//
// Numeric levels are sorted; repeated levels are an error.
func ParseParam(text string) (Param, error) {
	name, values, ok := strings.Cut(text, "=")
	name, values = strings.TrimSpace(name), strings.TrimSpace(values)
	if !ok || name == "" || values == "" {
		return Param{}, fmt.Errorf("parameter %q: want NAME=VALUES, for example n_tree=12,16,32, height=8..12 or min_score=0.4..0.6:0.01", text)
	}
	p, err := parseValues(values)
	if err != nil {
		return Param{}, fmt.Errorf("parameter %s: %w", name, err)
	}
	p.Name = name
	return p, nil
}

func parseValues(values string) (Param, error) {
	if lo, hi, isRange := strings.Cut(values, ".."); isRange && !strings.Contains(values, ",") {
		hi, step, _ := strings.Cut(hi, ":")
		return parseRange(strings.TrimSpace(lo), strings.TrimSpace(hi), strings.TrimSpace(step))
	}
	var p Param
	for v := range strings.SplitSeq(values, ",") {
		if v = strings.TrimSpace(v); v == "" {
			return p, fmt.Errorf("an empty value in %q", values)
		}
		if slices.Contains(p.Levels, v) {
			return p, fmt.Errorf("%q is there twice", v)
		}
		p.Levels = append(p.Levels, v)
	}
	if len(p.Levels) > MaxLevels {
		return p, fmt.Errorf("%d levels: want at most %d", len(p.Levels), MaxLevels)
	}
	return p, p.index()
}

func parseRange(loText, hiText, step string) (p Param, err error) {
	if p.Lo, err = strconv.ParseFloat(loText, 64); err != nil {
		return p, fmt.Errorf("%q is no number", loText)
	}
	if p.Hi, err = strconv.ParseFloat(hiText, 64); err != nil {
		return p, fmt.Errorf("%q is no number", hiText)
	}
	if !(p.Lo < p.Hi) || math.IsInf(p.Hi-p.Lo, 0) {
		return p, fmt.Errorf("range %s..%s: want two finite ends, the lower first", loText, hiText)
	}
	p.Integer = isWhole(loText) && isWhole(hiText)
	if count, isLog := strings.CutPrefix(step, "log"); isLog {
		return p.logRange(count)
	}
	if step == "" && !p.Integer {
		return p, nil
	}
	by := 1.0
	if step != "" {
		if by, err = strconv.ParseFloat(step, 64); err != nil || !(by > 0) || math.IsInf(by, 0) {
			return p, fmt.Errorf("step %q: want a number above 0, log, or log and a number of levels", step)
		}
	}
	n := math.Floor((p.Hi-p.Lo)/by+1e-9) + 1
	if n > MaxLevels {
		return p, fmt.Errorf("%.0f levels: want at most %d; use a larger step", n, MaxLevels)
	}
	digits := max(decimals(loText), decimals(step))
	for i := range int(n) {
		p.Levels = append(p.Levels, number(p.Lo+float64(float64(i)*by), digits))
	}
	p.Levels = slices.Compact(p.Levels)
	return p, p.index()
}

func (p Param) logRange(count string) (Param, error) {
	if p.Lo <= 0 {
		return p, fmt.Errorf("a log range starts at %v: want more than 0", p.Lo)
	}
	p.Log = true
	if count == "" {
		return p, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 2 || n > MaxLevels {
		return p, fmt.Errorf("log%s: want log, or log and 2 to %d levels", count, MaxLevels)
	}
	for i := range n {
		p.Levels = append(p.Levels, p.between(float64(i)/float64(n-1)))
	}
	p.Levels = slices.Compact(p.Levels)
	return p, p.index()
}

// index fills numbers, and sorts the levels by them. A list with a word in it is
// categorical and stays in its order.
func (p *Param) index() error {
	type level struct {
		text   string
		number float64
	}
	levels := make([]level, len(p.Levels))
	for i, text := range p.Levels {
		x, ok := parseNumber(text)
		if !ok {
			return nil
		}
		levels[i] = level{text, x}
	}
	slices.SortStableFunc(levels, func(a, b level) int {
		switch {
		case a.number < b.number:
			return -1
		case a.number > b.number:
			return 1
		}
		return 0
	})
	p.numbers = make([]float64, len(levels))
	for i, l := range levels {
		if i > 0 && l.number == levels[i-1].number {
			return fmt.Errorf("%s and %s are the same number", levels[i-1].text, l.text)
		}
		p.Levels[i], p.numbers[i] = l.text, l.number
	}
	return nil
}

// Categorical says that the values have no order.
func (p Param) Categorical() bool { return p.Levels != nil && p.numbers == nil }

// Number is a value as a number, durations in ms; for a categorical parameter it is
// the index of the level. NaN if text is no value of the parameter.
func (p Param) Number(text string) float64 {
	if p.Categorical() {
		if i := slices.Index(p.Levels, text); i >= 0 {
			return float64(i)
		}
		return math.NaN()
	}
	if x, ok := parseNumber(text); ok {
		return x
	}
	return math.NaN()
}

// At is the value at u of [0, 1): the levels in equal shares, or the number that
// far between the ends. It panics when u is outside.
func (p Param) At(u float64) string {
	if !(u >= 0 && u < 1) {
		panic(fmt.Sprintf("tuning: Param.At(%v): want 0 <= u < 1", u))
	}
	if p.Levels != nil {
		return p.Levels[int(u*float64(len(p.Levels)))]
	}
	return p.between(u)
}

// between is the number at u of [0, 1], with four significant digits.
func (p Param) between(u float64) string {
	x := p.Lo + float64(u*(p.Hi-p.Lo))
	if p.Log {
		x = p.Lo * math.Exp(u*math.Log(p.Hi/p.Lo))
	}
	if p.Integer {
		return number(min(p.Hi, max(p.Lo, math.Round(x))), 0)
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	return number(min(p.Hi, max(p.Lo, x)), -1)
}

// parseNumber reads a number, or a duration in ms.
func parseNumber(text string) (float64, bool) {
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return x, !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	if d, err := time.ParseDuration(text); err == nil {
		return float64(d) / 1e6, true
	}
	return 0, false
}

// number is x in the shortest form after rounding to so many decimals (-1: none).
func number(x float64, digits int) string {
	if digits >= 0 {
		x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'f', digits, 64), 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func isWhole(text string) bool { _, err := strconv.ParseInt(text, 10, 64); return err == nil }

// decimals is how many digits behind the point a number is written with, at most 12.
func decimals(text string) int {
	_, rest, ok := strings.Cut(text, ".")
	switch {
	case strings.ContainsAny(text, "eE"):
		return 12
	case !ok:
		return 0
	}
	return min(12, len(rest))
}
