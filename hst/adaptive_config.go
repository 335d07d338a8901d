package hst

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// ThresholdMode is how an [Adaptive] sampler chooses what it keeps. None of them
// reads a label.
type ThresholdMode uint8

const (
	// ThresholdFPR keeps what ordinary traffic exceeds with a given probability:
	// see adaptive_threshold.go for how it is told from anomalies.
	ThresholdFPR ThresholdMode = iota
	// ThresholdShare keeps a given share of all spans.
	ThresholdShare
	// ThresholdRate keeps a given number of spans a second, by the spans' clock.
	ThresholdRate
	// ThresholdScore keeps scores of at least a given min_score.
	ThresholdScore
	numThresholdModes
)

var thresholdNames = [numThresholdModes]string{"fpr", "share", "rate", "score"}

// String is "fpr", "share", "rate" or "score".
func (m ThresholdMode) String() string {
	if m >= numThresholdModes {
		return fmt.Sprintf("threshold(%d)", uint8(m))
	}
	return thresholdNames[m]
}

// ParseThresholdMode is the inverse of String.
func ParseThresholdMode(s string) (ThresholdMode, error) {
	if i := slices.Index(thresholdNames[:], s); i >= 0 {
		return ThresholdMode(i), nil
	}
	return 0, fmt.Errorf("hst: threshold %q: want fpr, share, rate or score", clip(s, 40))
}

// AdaptiveConfig is what an [Adaptive] sampler is made from. Its defaults were
// chosen on generated data and by the arguments given here, and on no recorded
// data set.
type AdaptiveConfig struct {
	// Mode and Target are the operating point: the probability of keeping an ordinary
	// span (fpr, 1e-6 to 0.5), the share of spans (share, above 0 to 1), spans a second
	// (rate, above 0), or the least score (score, 0 to 1).
	Mode   ThresholdMode
	Target float64

	// RelearnAfter is how long, by the clock of its own spans, a call must be slow
	// before the slowness is its new normal; 1 s to 30 days. Shorter: a deploy that
	// makes a call slower is flagged for less time. Longer: so is a long incident.
	RelearnAfter time.Duration

	// Trees, Height and Window are those of the Half-Space Trees over the standardised
	// value, one ensemble for all calls. Window is the warm-up.
	Trees, Height, Window int
	// Seed grows the trees.
	Seed Seed

	// InFlight is how many parents whose children were slow are remembered until they
	// end, 0 to 2^24, rounded up to a power of two; 33 bytes each. 0: a span is
	// judged without its children.
	InFlight int

	// Calls is the table that gave the spans their Call, asked for names by Snapshot.
	// nil: snapshots keep bare numbers, and fit only spans of the same table.
	Calls *trace.Calls
}

// DefaultAdaptiveConfig keeps one ordinary span in a thousand. Ten minutes is the
// time in which a page is answered and a bad deploy rolled back; what lasts longer
// was meant.
func DefaultAdaptiveConfig(seed Seed) AdaptiveConfig {
	return AdaptiveConfig{
		Mode: ThresholdFPR, Target: 0.001, RelearnAfter: 10 * time.Minute,
		Trees: 10, Height: 8, Window: 1024, Seed: seed, InFlight: 1 << 14,
	}
}

// budgeted says whether the target is of all spans, not of ordinary ones.
func (c *AdaptiveConfig) budgeted() bool { return c.Mode == ThresholdShare || c.Mode == ThresholdRate }

// surpriseLimit is the upper end of the range of the trees, in nats: e^-40 is
// rarer than anything observed. Larger values are no error.
const surpriseLimit = 40

func (c AdaptiveConfig) forest() Config {
	return Config{Trees: c.Trees, Height: c.Height, Window: c.Window, Seed: c.Seed,
		Limits: map[string][2]float64{surpriseFeature: {0, surpriseLimit}}}
}

// maxInFlight bounds AdaptiveConfig.InFlight.
const maxInFlight = 1 << 24

// Validate checks every field and names those that are out of range.
func (c AdaptiveConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("hst: "+format, args...)) }
	switch c.Mode {
	case ThresholdFPR:
		if !(c.Target >= 1e-6 && c.Target <= 0.5) {
			bad("target false-positive rate is %v: want 1e-6 to 0.5", c.Target)
		}
	case ThresholdShare:
		if !(c.Target > 0 && c.Target <= 1) {
			bad("share to keep is %v: want above 0 to 1", c.Target)
		}
	case ThresholdRate:
		if !(c.Target > 0) || math.IsInf(c.Target, 1) {
			bad("spans a second to keep are %v: want a finite number above 0", c.Target)
		}
	case ThresholdScore:
		if !(c.Target >= 0 && c.Target <= 1) {
			bad("min_score is %v: want 0 to 1", c.Target)
		}
	default:
		bad("Mode is %d: want fpr (0), share (1), rate (2) or score (3)", c.Mode)
	}
	if c.RelearnAfter < time.Second || c.RelearnAfter > 30*24*time.Hour {
		bad("RelearnAfter is %v: want 1 s to 720 h", c.RelearnAfter)
	}
	if c.InFlight < 0 || c.InFlight > maxInFlight {
		bad("InFlight is %d: want 0 to %d", c.InFlight, maxInFlight)
	}
	if err := c.forest().Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
