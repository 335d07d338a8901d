package hst

import (
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Encoding is how the paper's sampler numbers calls for its one-hot feature.
type Encoding uint8

const (
	// EncodingPaper is Algorithm 1 of the SCALE paper as printed. It looks a call up
	// under "service::operation" but stores its number under the service, so the
	// lookup never hits, and the key of a span is the number of services seen so far.
	EncodingPaper Encoding = iota
	// EncodingFixed stores the number where it is looked up: a call has one key,
	// counted from 0 in order of first sight.
	EncodingFixed
	numEncodings
)

var encodingNames = [numEncodings]string{"paper", "fixed"}

// String is "paper" or "fixed".
func (e Encoding) String() string {
	if e >= numEncodings {
		return fmt.Sprintf("encoding(%d)", uint8(e))
	}
	return encodingNames[e]
}

// MarshalText is String; it errs for a value that has no name.
func (e Encoding) MarshalText() ([]byte, error) {
	if e >= numEncodings {
		return nil, fmt.Errorf("hst: %v has no name", e)
	}
	return []byte(e.String()), nil
}

// UnmarshalText reads what ParseEncoding reads.
func (e *Encoding) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEncoding(string(text))
	return err
}

// ParseEncoding is the inverse of String.
func ParseEncoding(s string) (Encoding, error) {
	for i, name := range encodingNames {
		if s == name {
			return Encoding(i), nil
		}
	}
	return 0, fmt.Errorf("hst: encoding %q: want paper or fixed", clip(s, 40))
}

// SamplerConfig has the six parameters of the SCALE paper under its names, and
// what the paper leaves open.
type SamplerConfig struct {
	// NTree, Height and WindowSize are Trees, Height and Window of [Config].
	NTree      int `json:"n_tree"`
	Height     int `json:"height"`
	WindowSize int `json:"window_size"`
	// MinScore is the least score that is kept, 0 to 1. Higher keeps fewer spans.
	MinScore float64 `json:"min_score"`
	// MaxDuration is the upper limit of the duration feature in ms, above 0. Trees
	// split below it, so longer durations score alike, and so do all in the lowest
	// cell, some 0.2 % of MaxDuration wide at height 8.
	MaxDuration float64 `json:"max_duration"`
	// TrainSize, if above 0, is how many spans are learned before the model is
	// frozen; WindowSize at least, or nothing would ever be scored.
	TrainSize int64 `json:"train_size"`
	// Seed grows the trees.
	Seed Seed `json:"seed"`
	// Encoding is how calls are numbered.
	Encoding Encoding `json:"encoding"`
	// Calls is the table that gave the spans their Call, asked for the name of one
	// call by Snapshot under EncodingFixed. nil: snapshots keep the bare number, and
	// fit only spans of the same table.
	Calls *trace.Calls `json:"-"`
}

// DefaultSamplerConfig is River's forest with the paper's 10 s limit.
func DefaultSamplerConfig(seed Seed) SamplerConfig {
	return SamplerConfig{NTree: 10, Height: 8, WindowSize: 250, MinScore: 0.6, MaxDuration: 10_000, Seed: seed}
}

// durationFeature and keyFeature are the features of the paper's forest. Its trees
// split on those of the first span, whose key is always "0": other keys, though
// Algorithm 1 sets them, are features that no branch asks for.
const (
	keyFeature      = "0"
	durationFeature = "duration"
)

func (c SamplerConfig) forest() Config {
	return Config{Trees: c.NTree, Height: c.Height, Window: c.WindowSize, Seed: c.Seed,
		Limits: map[string][2]float64{durationFeature: {0, c.MaxDuration}}}
}

// Validate checks every parameter and names those that are out of range.
func (c SamplerConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("hst: "+format, args...)) }
	if !(c.MinScore >= 0 && c.MinScore <= 1) {
		bad("min_score is %v: want 0 to 1", c.MinScore)
	}
	if !(c.MaxDuration > 0) || math.IsInf(c.MaxDuration, 1) {
		bad("max_duration is %v ms: want a finite number above 0", c.MaxDuration)
	} else if err := c.forest().Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.TrainSize < 0 || c.TrainSize > 0 && c.TrainSize < int64(c.WindowSize) {
		bad("train_size is %d: want 0 (never frozen) or at least window_size, %d, before which nothing is scored",
			c.TrainSize, c.WindowSize)
	}
	if c.Encoding >= numEncodings {
		bad("encoding is %d: want paper (0) or fixed (1)", c.Encoding)
	}
	return errors.Join(errs...)
}

// Sampler is the sampler of the SCALE paper: one global forest over a one-hot of
// the call and the duration in ms, River's scores to the last bit.
//
// The paper's code learns a span and then scores it; call Learn before Sample for
// that, and Sample before Learn for test-then-train. They differ at the last span
// of each window. Once TrainSize spans are learned, Learn does nothing.
//
// Under EncodingPaper the one-hot carries no information, because key "0" is set
// on the very first span and never again, and the model is a [Line] from the first
// span on. Under EncodingFixed it is one [Forest] of two features: was it the first
// call, and how long did it take. Either way memory is that of the model, whatever
// the number of calls, and a span costs no allocation.
//
// One deviation from Algorithm 1 under EncodingPaper: with WindowSize 1, the first
// span scored after it is learned has lost its key, because a Sampler cannot know
// that it is the same span.
//
// Durations are taken as they come: zero, negative and huge ones are values like
// others, at the ends of the range.
type Sampler struct {
	cfg       SamplerConfig
	line      *Line   // EncodingPaper
	forest    *Forest // EncodingFixed
	missing   Missing // of a span without key "0"
	x         [2]float64
	learned   int64
	firstCall trace.Call // the call with key "0", once a span is learned
}

var _ trace.Sampler = (*Sampler)(nil)

// NewSampler grows the trees. It errs when cfg is invalid.
func NewSampler(cfg SamplerConfig) (*Sampler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Sampler{cfg: cfg}
	features := []string{keyFeature, durationFeature}
	if cfg.Encoding == EncodingPaper {
		trees, err := newLineTrees(cfg.forest(), features, 1)
		if err != nil {
			return nil, err
		}
		s.line = newLine(trees)
		return s, nil
	}
	forest, err := NewForest(cfg.forest(), features)
	if err != nil {
		return nil, err
	}
	s.use(forest)
	return s, nil
}

func (s *Sampler) use(f *Forest) {
	s.forest, s.missing = f, NewMissing(2)
	s.missing.Set(0)
}

// Sample scores span and keeps it when its score is at least MinScore. In the
// first window it says WarmUp and keeps nothing.
//
// Cost: see the tables at [Line] (EncodingPaper) and [Forest].
func (s *Sampler) Sample(span *trace.Span) trace.Decision {
	return s.sample(span.Call, span.DurationMS())
}

// Learn trains the model on span, unless it is frozen.
func (s *Sampler) Learn(span *trace.Span) { s.learn(span.Call, span.DurationMS()) }

func (s *Sampler) sample(call trace.Call, ms float64) trace.Decision {
	if !s.Ready() {
		return trace.Decision{WarmUp: true}
	}
	var score float64
	if s.line != nil {
		score = s.line.Score(ms)
	} else {
		score = s.forest.Score(s.vector(call, ms))
	}
	return trace.Decision{Score: score, Keep: score >= s.cfg.MinScore}
}

func (s *Sampler) learn(call trace.Call, ms float64) {
	if s.Frozen() {
		return
	}
	if s.learned == 0 {
		s.firstCall = call
	}
	s.learned++
	if s.line != nil {
		s.line.Learn(ms)
	} else {
		s.forest.Learn(s.vector(call, ms))
	}
}

// vector is the two features of a span; the result is reused.
func (s *Sampler) vector(call trace.Call, ms float64) ([]float64, Missing) {
	s.x = [2]float64{1, ms}
	if call == s.firstCall {
		return s.x[:], nil
	}
	return s.x[:], s.missing
}

// Ready says whether the first window is over.
func (s *Sampler) Ready() bool { return s.learned >= int64(s.cfg.WindowSize) }

// Frozen says whether TrainSize spans have been learned.
func (s *Sampler) Frozen() bool { return s.cfg.TrainSize > 0 && s.learned >= s.cfg.TrainSize }

// Learned is how many spans the model has learned.
func (s *Sampler) Learned() int64 { return s.learned }

// Config is what the sampler was made from.
func (s *Sampler) Config() SamplerConfig { return s.cfg }

// MemoryBytes is the size of the model, all but a few hundred bytes.
func (s *Sampler) MemoryBytes() int64 {
	if s.line != nil {
		return s.line.MemoryBytes()
	}
	return s.forest.MemoryBytes()
}

// NewBatchLine is a [Line] that scores as a new sampler of cfg, for runs over whole
// columns with a [Batch]; TrainSize and MinScore are the Batch's. It errs when cfg
// is invalid or its Encoding is not EncodingPaper, which is the only one whose
// score depends on the duration alone.
func NewBatchLine(cfg SamplerConfig) (*Line, error) {
	s, err := NewSampler(cfg)
	if err != nil {
		return nil, err
	}
	if s.line == nil {
		return nil, fmt.Errorf("hst: encoding %v scores the call, too: only paper runs on a column of durations", cfg.Encoding)
	}
	return s.line, nil
}
