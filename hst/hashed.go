package hst

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// MaxFeatureLength is the number of bits of the hash.
const MaxFeatureLength = sha256.Size * 8

// hashedDuration is the name of the duration feature, "dur": it sorts behind all
// numbers, which decides the trees.
const hashedDuration = "dur"

// HashedConfig is the configuration of [Hashed]. Encoding and Calls of SamplerConfig
// play no part.
type HashedConfig struct {
	SamplerConfig
	// FeatureLength is how many bits of the hash are features, 1 to
	// MaxFeatureLength. More bits tell more calls apart and take more branches from
	// the duration.
	FeatureLength int `json:"feature_length"`
}

// Validate checks every parameter and names those that are out of range.
func (c HashedConfig) Validate() error {
	err := c.SamplerConfig.Validate()
	if c.FeatureLength < 1 || c.FeatureLength > MaxFeatureLength {
		err = errors.Join(err, fmt.Errorf("hst: feature_length is %d: want 1 to %d, bits of a SHA-256", c.FeatureLength, MaxFeatureLength))
	}
	return err
}

// Hashed is the sampler that the SCALE paper's authors ran in their grid search: a
// forest over the lowest FeatureLength bits of the SHA-256 of service and operation,
// as a big-endian integer h, and the duration in whole ms, rounded down. Feature
// "i" is h & 1<<i, not normalised, with limits (0, 1); "dur" has (0, MaxDuration).
// Any threshold between 0 and 1 tells a bit that is set from one that is not, so the
// values of the set ones do not matter.
//
// Memory: the forest, and 64 bytes beside two strings a call.
type Hashed struct {
	cfg     HashedConfig
	forest  *Forest
	places  []int // of bit i in x: features are sorted as strings
	x       []float64
	calls   []hashedCall // by trace.Call
	learned int64
}

// hashedCall is the hash of the last names that a Call was seen with. Names that
// were sanitised to one Call share the place.
type hashedCall struct {
	service, operation string
	hash               [sha256.Size]byte
}

var _ trace.Sampler = (*Hashed)(nil)

// NewHashed grows the trees. It errs when cfg is invalid.
func NewHashed(cfg HashedConfig) (*Hashed, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Hashed{cfg: cfg, places: make([]int, cfg.FeatureLength), x: make([]float64, cfg.FeatureLength+1)}
	names := []string{hashedDuration}
	for i := range cfg.FeatureLength {
		names = append(names, strconv.Itoa(i))
	}
	slices.Sort(names)
	for at, name := range names[:cfg.FeatureLength] { // letters sort behind digits
		i, _ := strconv.Atoi(name)
		s.places[i] = at
	}
	forest := cfg.forest()
	forest.Limits = map[string][2]float64{hashedDuration: {0, cfg.MaxDuration}}
	var err error
	s.forest, err = NewForest(forest, names)
	return s, err
}

// Sample scores span and keeps it when its score is at least MinScore. In the first
// window it says WarmUp and keeps nothing.
//
// Cost: a walk through every tree, as [Forest], and some 2 ns a bit.
func (s *Hashed) Sample(span *trace.Span) trace.Decision {
	if !s.forest.Ready() {
		return trace.Decision{WarmUp: true}
	}
	score := s.forest.Score(s.features(span), nil)
	return trace.Decision{Score: score, Keep: score >= s.cfg.MinScore}
}

// Learn trains the model on span, unless TrainSize spans were learned.
func (s *Hashed) Learn(span *trace.Span) {
	if s.cfg.TrainSize > 0 && s.learned >= s.cfg.TrainSize {
		return
	}
	s.learned++
	s.forest.Learn(s.features(span), nil)
}

// features is the vector of a span; it is reused.
func (s *Hashed) features(span *trace.Span) []float64 {
	hash := s.hash(span)
	for i, at := range s.places {
		s.x[at] = float64(hash[sha256.Size-1-i/8] >> (i % 8) & 1)
	}
	s.x[len(s.x)-1] = math.Floor(float64(span.Duration) / nsPerMS)
	return s.x
}

func (s *Hashed) hash(span *trace.Span) *[sha256.Size]byte {
	for int(span.Call) >= len(s.calls) {
		s.calls = append(s.calls, make([]hashedCall, len(s.calls)+64)...)
	}
	c := &s.calls[span.Call]
	if c.service != span.Service || c.operation != span.Operation || c.operation == "" && c.service == "" {
		*c = hashedCall{span.Service, span.Operation, sha256.Sum256([]byte(span.Service + span.Operation))}
	}
	return &c.hash
}

// Config is what the sampler was made from.
func (s *Hashed) Config() HashedConfig { return s.cfg }

// MemoryBytes is the size of the forest.
func (s *Hashed) MemoryBytes() int64 { return s.forest.MemoryBytes() }
