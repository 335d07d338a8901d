package tuning

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

// fakeBench is a made-up evaluator: F1 is 1 - |a-3|/10, the same in every block.
type fakeBench struct {
	mu    sync.Mutex
	calls []string
	fail  error
}

func (f *fakeBench) evaluate(_ context.Context, group []Unit, emit func(Outcome) error) error {
	for _, u := range group {
		f.mu.Lock()
		f.calls = append(f.calls, u.Model[0]+"/"+strconv.FormatUint(u.Seed, 10)+"/"+strconv.FormatFloat(u.Share, 'g', 3, 64))
		n := len(f.calls)
		f.mu.Unlock()
		if f.fail != nil && n > 5 {
			return f.fail
		}
		a, _ := strconv.Atoi(u.Model[0])
		f1 := 1 - float64(max(a-3, 3-a))/10 - float64(u.Seed)/1000
		block := withF1(f1)
		o := Outcome{Unit: u, Readings: []Reading{{Threshold: "0.5", Score: .5, Blocks: []eval.Confusion{block, block, block}}}}
		if err := emit(o); err != nil {
			return err
		}
	}
	return nil
}

func newFake(t *testing.T, levels string) (*Study, *fakeBench) {
	s := mustSpace(t, "a="+levels, "min_score=0.5")
	grid, err := Grid(s)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeBench{}
	return &Study{Space: s, Search: grid, Objectives: []Objective{{Goal: MaxF1}}, Seeds: []uint64{1, 2}, Shares: []float64{1}, Eta: 3, Evaluate: f.evaluate}, f
}

// TestStudyInAnyOrder: the same outcomes for every number of workers and any order of
// the levels.
func TestStudyInAnyOrder(t *testing.T) {
	var want string
	for _, levels := range []string{"1..9", "9,3,5,1,2,4,6,8,7"} {
		for _, workers := range []int{1, 2, 5} {
			s, _ := newFake(t, levels)
			s.Workers = workers
			outcomes, err := s.Run(t.Context())
			if err != nil || len(outcomes) != 18 {
				t.Fatalf("%d outcomes, %v", len(outcomes), err)
			}
			if got := asJSON(t, outcomes); want == "" {
				want = got
			} else if got != want {
				t.Fatalf("%d workers on %s: other outcomes", workers, levels)
			}
		}
	}
}

// TestStudyResumes: what is done is not computed again, and the result is the same.
func TestStudyResumes(t *testing.T) {
	s, f := newFake(t, "1..9")
	f.fail = errors.New("power cut")
	s.Workers = 1
	var kept []Outcome
	s.Append = func(o Outcome) error { kept = append(kept, o); return nil }
	if _, err := s.Run(t.Context()); !errors.Is(err, f.fail) || len(kept) != 5 {
		t.Fatalf("%d outcomes, %v", len(kept), err)
	}
	again, g := newFake(t, "1..9")
	again.Done = map[string]Outcome{}
	for _, o := range kept {
		again.Done[again.UnitKey(o.Unit)] = o
	}
	got, err := again.Run(t.Context())
	whole, _ := newFake(t, "1..9")
	want, _ := whole.Run(t.Context())
	if err != nil || len(g.calls) != 13 || asJSON(t, got) != asJSON(t, want) {
		t.Errorf("%d units computed, want 13; %v", len(g.calls), err)
	}
}

// TestHalving: 9 models on a ninth, the best 3 on a third, the best one on all data and
// then on the other seed.
func TestHalving(t *testing.T) {
	s, f := newFake(t, "1..9")
	s.Shares = []float64{1. / 9, 1. / 3, 1}
	outcomes, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range f.calls {
		count[c[len(c)-5:]]++
	}
	if len(f.calls) != 9+3+1+1 {
		t.Errorf("%d units: %v", len(f.calls), f.calls)
	}
	rows := Rows(s.Space, outcomes)
	if at := Choose(rows, s.Objectives, 0, 2); rows[at].Model[0] != "3" || len(rows[at].Seeds) != 2 {
		t.Errorf("chose %v", rows[at])
	}
}

// TestEarlyStop: models far below the best in every block are spared the second seed.
func TestEarlyStop(t *testing.T) {
	s, f := newFake(t, "1..9")
	s.EarlyStop = true
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := slices.DeleteFunc(f.calls, func(c string) bool { return c[2] == '1' })
	slices.Sort(second)
	// F1 of 3 is .999, of 2 and 4 about .9: more than .05 below, in both blocks.
	if !slices.Equal(second, []string{"3/2/1"}) {
		t.Errorf("second seeds of %v", second)
	}
}

func TestStudyIsCancelled(t *testing.T) {
	s, f := newFake(t, "1..9")
	ctx, cancel := context.WithCancel(t.Context())
	s.Workers = 1
	s.Append = func(Outcome) error { cancel(); return nil }
	outcomes, err := s.Run(ctx)
	if !errors.Is(err, context.Canceled) || len(outcomes) != 1 || len(f.calls) != 1 {
		t.Errorf("%d outcomes of %d calls, %v", len(outcomes), len(f.calls), err)
	}
}

// TestConclude: the whole way from outcomes to a result.
func TestConclude(t *testing.T) {
	s, _ := newFake(t, "1..9")
	outcomes, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	outcomes = append(outcomes, Outcome{Unit: Unit{Point{"99"}, 1, 1}, Fail: "too many"})
	r, rows, err := Conclude(s.Space, s.Objectives, outcomes)
	if err != nil {
		t.Fatal(err)
	}
	e := r.Points[r.Chosen]
	if e.Values[0] != "3" || e.Seeds != 2 || r.Models != 10 || r.Failed != 1 || r.FirstFail != "a=99: too many" {
		t.Errorf("%+v; %d models, %d failed, %s", e, r.Models, r.Failed, r.FirstFail)
	}
	if best := r.Best(rows, s.Space, 3); len(best) != 3 || best[0] != r.Chosen {
		t.Errorf("best %v", best)
	}
	if len(r.Nested) != 2 || r.Importance[0].Name != "a" {
		t.Errorf("nested %+v, importance %+v", r.Nested, r.Importance)
	}
	if _, _, err := Conclude(s.Space, s.Objectives, outcomes[len(outcomes)-1:]); err == nil {
		t.Error("a study without a measured point has a result")
	}
}

// TestNeeds: computing what a study needs, round by round, gives the outcomes of Run, for
// every kind of search.
func TestNeeds(t *testing.T) {
	for name, rounds := range map[string]int{"grid": 1, "early stop": 2, "halving": 3, "tpe": 3} {
		t.Run(name, func(t *testing.T) {
			study := func() *Study {
				s, _ := newFake(t, "1..9")
				s.EarlyStop = name == "early stop"
				switch name {
				case "halving":
					s.Shares = []float64{1. / 9, 1. / 3, 1}
				case "tpe":
					s.Seeds = s.Seeds[:1]
					s.Search = TPE(s.Space, 8, 1, TPEOptions{StartUp: 4, Batch: 2})
				}
				return s
			}
			want, err := study().Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			done := map[string]Outcome{}
			for n := 1; ; n++ {
				s := study()
				s.Done = done
				groups, err := s.Needs(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(groups) == 0 {
					if n-1 != rounds {
						t.Errorf("%d rounds, want %d", n-1, rounds)
					}
					break
				}
				for _, g := range groups {
					err := s.Evaluate(t.Context(), g, func(o Outcome) error {
						if _, twice := done[s.UnitKey(o.Unit)]; twice {
							t.Errorf("%v is needed twice", o.Unit)
						}
						done[s.UnitKey(o.Unit)] = o
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			s := study()
			s.Done = done
			s.Evaluate = func(context.Context, []Unit, func(Outcome) error) error {
				return errors.New("nothing is to be computed")
			}
			got, err := s.Run(t.Context())
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%v: %d outcomes, want %d", err, len(got), len(want))
			}
		})
	}
}
