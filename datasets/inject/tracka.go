package inject

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Denominator is what the fraction of shocked spans is a fraction of.
type Denominator uint8

const (
	// OfTest takes the fraction of the test spans: the paper's run.
	OfTest Denominator = iota
	// OfTrain takes it of the training spans: an earlier run of its authors, and
	// the GTrace column of Table II. The shocked spans are test spans all the same.
	OfTrain
)

// String is "test" or "train".
func (d Denominator) String() string {
	if d == OfTrain {
		return "train"
	}
	return "test"
}

// Shock says how many test spans are slowed down and by how much.
type Shock struct {
	// Fraction of the denominator that is shocked, rounded down; 0 to 1.
	Fraction float64
	// Of is the denominator.
	Of Denominator
	// Bump is added to a duration before it is multiplied, ns; 0 or more.
	Bump int64
	// FactorLo and FactorHi are the range [lo, hi) that the factor is drawn from,
	// uniformly; both finite, 0 < lo <= hi. Equal values are a fixed factor.
	FactorLo, FactorHi float64
	// OneFactor draws one factor for all spans instead of one a span.
	OneFactor bool
}

// Options are the whole of Track A.
type Options struct {
	// MaxDuration keeps spans that are strictly shorter, ns; 0 keeps all.
	MaxDuration int64
	// Train is the fraction of the kept spans, from the first, that is trained on
	// and never shocked; 0 to 1.
	Train float64
	Shock Shock
	// Seed of every draw. The same rows are shocked whatever the factors are.
	Seed uint64
}

// PaperOptions are those of the SCALE paper's run on its TraceMesh-style capture:
// 10 s, one quarter, 5 % of the test spans, (d + 5 ms) x U(8, 10).
func PaperOptions(seed uint64) Options {
	return Options{
		MaxDuration: int64(10 * time.Second),
		Train:       0.25,
		Shock:       Shock{Fraction: 0.05, Of: OfTest, Bump: int64(5 * time.Millisecond), FactorLo: 8, FactorHi: 10},
		Seed:        seed,
	}
}

// Validate says what is wrong with the options, naming the field.
func (o Options) Validate() error {
	if o.MaxDuration < 0 {
		return fmt.Errorf("inject: MaxDuration is %d ns: want 0 (no filter) or more", o.MaxDuration)
	}
	if err := fraction("Train", o.Train); err != nil {
		return err
	}
	return o.Shock.validate()
}

func (s Shock) validate() error {
	if err := fraction("Shock.Fraction", s.Fraction); err != nil {
		return err
	}
	switch {
	case s.Of > OfTrain:
		return fmt.Errorf("inject: Shock.Of is %d: want OfTest or OfTrain", s.Of)
	case s.Bump < 0:
		return fmt.Errorf("inject: Shock.Bump is %d ns: want 0 or more", s.Bump)
	case !(s.FactorLo > 0) || math.IsInf(s.FactorLo, 0): // catches NaN
		return fmt.Errorf("inject: Shock.FactorLo is %v: want a finite number above 0", s.FactorLo)
	case !(s.FactorHi >= s.FactorLo) || math.IsInf(s.FactorHi, 0):
		return fmt.Errorf("inject: Shock.FactorHi is %v: want a finite number, at least FactorLo (%v)", s.FactorHi, s.FactorLo)
	}
	return nil
}

func fraction(name string, f float64) error {
	if !(f >= 0 && f <= 1) { // catches NaN
		return fmt.Errorf("inject: %s is %v: want a fraction from 0 to 1", name, f)
	}
	return nil
}

// Kind is what a shocked span's Kind says, e.g. "shock (d+5ms)*U[8,10)". It is
// one string for all spans of a run: factors of single spans would make as many
// dictionary entries.
func (s Shock) Kind() string {
	lo, hi := format(s.FactorLo), format(s.FactorHi)
	factor := "U[" + lo + "," + hi + ")"
	if s.FactorLo == s.FactorHi {
		factor = lo
	} else if s.OneFactor {
		factor = "one " + factor
	}
	return fmt.Sprintf("shock (d+%v)*%s", time.Duration(s.Bump), factor)
}

func format(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// Plan is Track A in counts: TrainSpans, then TestSpans of which Shocks are
// shocked.
type Plan struct {
	Options
	TrainSpans, TestSpans, Shocks int64
}

// Plan resolves the options for kept spans, the number that Filter lets through.
func (o Options) Plan(kept int64) (Plan, error) {
	if err := o.Validate(); err != nil {
		return Plan{}, err
	}
	if kept < 0 {
		return Plan{}, fmt.Errorf("inject: %d spans to plan for: want 0 or more", kept)
	}
	p := Plan{Options: o, TrainSpans: o.TrainOf(kept)}
	p.TestSpans = kept - p.TrainSpans
	of := p.TestSpans
	if o.Shock.Of == OfTrain {
		of = p.TrainSpans
	}
	p.Shocks = floorOf(o.Shock.Fraction, of)
	if p.Shocks > p.TestSpans {
		return Plan{}, fmt.Errorf("inject: Shock.Fraction %v of %d train spans is %d shocks, but there are only %d test spans: lower it, or take it of the test spans",
			o.Shock.Fraction, p.TrainSpans, p.Shocks, p.TestSpans)
	}
	return p, nil
}

// TrainOf is how many of n spans, from the first, train: floor(Train x n).
func (o Options) TrainOf(n int64) int64 { return floorOf(o.Train, n) }

// floorOf is floor(f x n) of the decimal number that f was written as: in float64
// arithmetic 0.29 of 100 would be 28.
func floorOf(f float64, n int64) int64 {
	r, _ := new(big.Rat).SetString(format(f)) // a finite float always parses
	r.Mul(r, new(big.Rat).SetInt64(n))
	return new(big.Int).Div(r.Num(), r.Denom()).Int64()
}

// Counts says what Filter does with a source.
type Counts struct {
	Kept, Filtered int64
}

// Count walks src once and counts what Filter would keep. Its error is the
// source's.
func Count(src trace.Source, maxDuration int64) (Counts, error) {
	var c Counts
	for s, err := range src {
		switch {
		case err != nil:
			return c, err
		case keeps(s, maxDuration):
			c.Kept++
		default:
			c.Filtered++
		}
	}
	return c, nil
}

// Filter leaves out spans that last maxDuration (ns) or longer; 0 keeps all.
func Filter(src trace.Source, maxDuration int64) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		for s, err := range src {
			if err == nil && !keeps(s, maxDuration) {
				continue
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func keeps(s *trace.Span, maxDuration int64) bool {
	return maxDuration == 0 || s.Duration < maxDuration
}
