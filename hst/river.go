package hst

import (
	"maps"
	"slices"
)

// River is Half-Space Trees over sparse feature maps, with the semantics of
// river.anomaly.HalfSpaceTrees: the trees grow at the first Learn from the
// features of that observation; a feature that it did not have is ignored ever
// after; a feature that a later observation lacks is missing, and sends the walk
// where the current window went more often. Scores are River's to the last bit.
//
// It costs one map lookup a feature on top of its [Forest], which is the better
// choice where the features are known. Not safe for concurrent use.
type River struct {
	cfg     Config
	forest  *Forest // nil before the first Learn
	x       []float64
	missing Missing
}

// NewRiver makes a model that has not seen anything. It errs when cfg is invalid.
func NewRiver(cfg Config) (*River, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &River{cfg: cfg.clone()}, nil
}

// Learn is learn_one. It errs, and learns nothing, when the trees cannot be grown
// from the first observation: it is empty, or the limits of its features leave
// nothing to split. Later observations may be empty and never err.
func (r *River) Learn(x map[string]float64) error {
	if r.forest == nil {
		if err := r.grow(slices.Sorted(maps.Keys(x))); err != nil {
			return err
		}
	}
	r.forest.Learn(r.vector(x))
	return nil
}

func (r *River) grow(features []string) error {
	f, err := NewForest(r.cfg, features)
	if err != nil {
		return err
	}
	r.use(f)
	return nil
}

// use makes f the forest of the model.
func (r *River) use(f *Forest) {
	n := len(f.features)
	r.forest, r.x, r.missing = f, make([]float64, n), NewMissing(n)
}

// vector is x in the order of the forest's features. The result is reused.
func (r *River) vector(x map[string]float64) ([]float64, Missing) {
	for i, name := range r.forest.features {
		value, ok := x[name]
		r.x[i] = value
		r.missing[i] = !ok
	}
	return r.x, r.missing
}

// Score is score_one, see [Forest.Score]; 0 in the first window.
func (r *River) Score(x map[string]float64) float64 {
	if r.forest == nil {
		return 0
	}
	return r.forest.Score(r.vector(x))
}

// Mass is the sum that Score normalises, see [Forest.Mass]; 0 in the first window.
func (r *River) Mass(x map[string]float64) uint64 {
	if r.forest == nil {
		return 0
	}
	return r.forest.Mass(r.vector(x))
}

// Ready says whether the first window is over.
func (r *River) Ready() bool { return r.forest != nil && r.forest.Ready() }

// Forest is the forest below, nil before the first Learn.
func (r *River) Forest() *Forest { return r.forest }
