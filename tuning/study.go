package tuning

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Evaluator computes the units of one group in order and calls emit with each
// outcome. It is called from several goroutines at once. An error ends the study;
// a model that cannot be run is an Outcome with Fail.
type Evaluator func(ctx context.Context, group []Unit, emit func(Outcome) error) error

// Study is one search.
type Study struct {
	Space      *Space
	Search     Search
	Objectives []Objective
	Seeds      []uint64
	// Shares of the data, ascending, the last 1: successive halving (Jamieson and
	// Talwalkar, AISTATS 2016). All models of a batch run on the first share and the
	// first seed, the best 1/Eta of them on the next, and so on. {1} is none.
	Shares []float64
	Eta    int
	// EarlyStop spares a model the seeds after the first when it is hopeless: worse
	// than the best of its batch in every validation block, by a paired t-test at
	// 0.5 % over the blocks, and by more than 0.05. It needs one objective.
	EarlyStop bool

	Evaluate Evaluator
	// Group names what units share; those of one group are computed one after the
	// other by one worker. nil: nothing is shared.
	Group func(Unit) string
	// Workers is how many groups run at once, 0 for GOMAXPROCS.
	Workers int
	// Done are outcomes of an earlier run, by UnitKey: they are not computed again.
	Done map[string]Outcome
	// Append is told every outcome that was computed, as it comes, one at a time.
	Append func(Outcome) error
	// Progress is told how many units are done and how many are known of; one call at
	// a time.
	Progress func(done, known int)

	mu          sync.Mutex
	done, known int
	listing     bool     // compute nothing
	needed      [][]Unit // what would be computed next
}

// errNeeds ends a study that only lists.
var errNeeds = errors.New("tuning: units are to be computed")

// Needs are the groups of units that Run would compute first, given what is Done: those
// of one stage, which do not need one another. None: Run would compute nothing. The
// search is used up by it, so that each call wants a study of its own.
func (s *Study) Needs(ctx context.Context) ([][]Unit, error) {
	s.listing = true
	_, err := s.Run(ctx)
	if errors.Is(err, errNeeds) {
		err = nil
	}
	return s.needed, err
}

// UnitKey identifies a unit.
func (s *Study) UnitKey(u Unit) string {
	return fmt.Sprintf("%s | seed %d | share %g", s.Space.Key(u.Model), u.Seed, u.Share)
}

// Run is the whole search: all outcomes, in the order of SortOutcomes. On an error,
// a cancelled context for instance, it returns what was finished along with it.
func (s *Study) Run(ctx context.Context) ([]Outcome, error) {
	var all []Outcome
	for ctx.Err() == nil {
		models := s.Search.Next()
		if len(models) == 0 {
			break
		}
		batch, err := s.batch(ctx, models)
		all = append(all, batch...)
		if err != nil {
			SortOutcomes(s.Space, all)
			return all, err
		}
		if _, known := s.Search.(*fixed); !known { // it would not listen
			s.Search.Tell(s.modelLosses(models, batch))
		}
	}
	SortOutcomes(s.Space, all)
	return all, ctx.Err()
}

// batch runs models up the shares and then, on all data, on the other seeds.
func (s *Study) batch(ctx context.Context, models []Point) (all []Outcome, err error) {
	spares := s.EarlyStop && len(s.Objectives) == 1 && len(s.Seeds) > 1
	for i, share := range s.Shares {
		if i == len(s.Shares)-1 && !spares {
			break // nothing follows from the first seed
		}
		first, err := s.units(ctx, models, s.Seeds[:1], share)
		all = append(all, first...)
		if err != nil {
			return all, err
		}
		if i < len(s.Shares)-1 {
			models = best(models, s.modelLosses(models, first), s.Eta)
		} else {
			models = s.hopeful(models, first)
		}
	}
	seeds := s.Seeds
	if spares {
		seeds = seeds[1:]
	}
	rest, err := s.units(ctx, models, seeds, 1)
	return append(all, rest...), err
}

// best is the 1/eta models of the lowest losses, at least one, in their order.
func best(models []Point, losses []float64, eta int) []Point {
	keep := order(losses)[:max(1, len(models)/eta)]
	slices.Sort(keep)
	out := make([]Point, len(keep))
	for i, k := range keep {
		out[i] = models[k]
	}
	return out
}

// modelLosses are the losses of models on what ran furthest: of each model its best
// reading, on the validation blocks.
func (s *Study) modelLosses(models []Point, outcomes []Outcome) []float64 {
	rows := Rows(s.Space, outcomes)
	var losses [][]float64
	for _, r := range rows {
		losses = append(losses, r.Losses(s.Objectives, 0, r.Folds()))
	}
	least := map[string]float64{}
	for i, rank := range ranks(losses) {
		key := s.Space.Key(rows[i].Model)
		if had, ok := least[key]; !ok || rank < had {
			least[key] = rank
		}
	}
	out := make([]float64, len(models))
	for i, m := range models {
		out[i] = math.Inf(1)
		if l, ok := least[s.Space.Key(m)]; ok {
			out[i] = l
		}
	}
	return out
}

// units computes models times seeds, or takes what is done.
func (s *Study) units(ctx context.Context, models []Point, seeds []uint64, share float64) ([]Outcome, error) {
	var units []Unit
	for _, seed := range seeds {
		for _, m := range models {
			units = append(units, Unit{m, seed, share})
		}
	}
	results := make(map[string]Outcome, len(units))
	var groups [][]Unit
	at := map[string]int{}
	for _, u := range units {
		if o, ok := s.Done[s.UnitKey(u)]; ok {
			results[s.UnitKey(u)] = o
			continue
		}
		name := s.UnitKey(u)
		if s.Group != nil {
			name = s.Group(u)
		}
		if i, ok := at[name]; ok {
			groups[i] = append(groups[i], u)
			continue
		}
		at[name] = len(groups)
		groups = append(groups, []Unit{u})
	}
	if s.listing && len(groups) > 0 {
		s.needed = groups
		return nil, errNeeds
	}
	s.known += len(units)
	s.advance(len(results))
	err := s.compute(ctx, groups, results)
	var out []Outcome
	for _, u := range units {
		if o, ok := results[s.UnitKey(u)]; ok {
			out = append(out, o)
		}
	}
	return out, err
}

func (s *Study) advance(n int) {
	s.done += n
	if s.Progress != nil {
		s.Progress(s.done, s.known)
	}
}

// compute hands groups to workers and files the outcomes.
func (s *Study) compute(ctx context.Context, groups [][]Unit, results map[string]Outcome) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	emit := func(o Outcome) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		results[s.UnitKey(o.Unit)] = o
		s.advance(1)
		if s.Append == nil {
			return nil
		}
		return s.Append(o)
	}
	workers := s.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	queue := make(chan []Unit)
	var wg sync.WaitGroup
	for range min(workers, len(groups)) {
		wg.Go(func() {
			for group := range queue {
				if ctx.Err() != nil {
					continue
				}
				if err := s.Evaluate(ctx, group, emit); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, g := range groups {
		queue <- g
	}
	close(queue)
	wg.Wait()
	return context.Cause(ctx)
}
