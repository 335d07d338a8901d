package tuning

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

func numbersOf(xs ...float64) (out []eval.Number) {
	for _, x := range xs {
		out = append(out, eval.Number(x))
	}
	return out
}

func TestVerdicts(t *testing.T) {
	seeds, others := []uint64{1, 2, 3, 4}, []uint64{11, 12, 13, 14}
	nan := math.NaN()
	for name, c := range map[string]struct {
		base, now []eval.Number
		seeds     []uint64
		low       bool
		want      Verdict
	}{
		"equal":                        {numbersOf(.8, .9, .7, .8), numbersOf(.8, .9, .7, .8), seeds, false, Unchanged},
		"every seed lower by the same": {numbersOf(.8, .9, .7, .8), numbersOf(.75, .85, .65, .75), seeds, false, Regression},
		"that drop within the noise of other seeds":    {numbersOf(.8, .9, .7, .8), numbersOf(.75, .85, .65, .75), others, false, WithinNoise},
		"every seed a little lower":                    {numbersOf(.8, .9, .7, .8), numbersOf(.795, .895, .695, .795), seeds, false, WithinTolerance},
		"higher is better":                             {numbersOf(.8, .8, .8, .8), numbersOf(.9, .9, .9, .9), seeds, false, Improved},
		"higher is worse":                              {numbersOf(.8, .8, .8, .8), numbersOf(.9, .9, .9, .9), seeds, true, Regression},
		"no spread at all":                             {numbersOf(.8, .8, .8, .8), numbersOf(.7, .7, .7, .7), others, false, Regression},
		"one seed, beyond tolerance":                   {numbersOf(.8), numbersOf(.7), others, false, Regression},
		"undefined now":                                {numbersOf(.8, .8, .8, .8), numbersOf(.8, nan, .8, .8), seeds, false, Undefined},
		"undefined before and now":                     {numbersOf(nan, nan), numbersOf(nan, nan), seeds[:2], false, Unchanged},
		"half of the seeds much lower, half as before": {numbersOf(.8, .8, .8, .8), numbersOf(.8, .8, .6, .6), seeds, false, WithinNoise},
	} {
		k := Case{Seeds: seeds[:len(c.base)]}
		m := Measured{Values: c.base, Tolerance: .01, LowIsBetter: c.low}
		got := k.Compare(m, c.now, c.seeds)
		if got.Verdict != c.want {
			t.Errorf("%s: %v, want %v: %+v", name, got.Verdict, c.want, got)
		}
		if got.Verdict.Fails() != (c.want == Regression || c.want == Undefined) {
			t.Errorf("%s: fails %v", name, got.Verdict.Fails())
		}
	}
}

func TestRelative(t *testing.T) {
	k := Case{Seeds: []uint64{1, 2}}
	m := Measured{Values: numbersOf(2, 2), Tolerance: .3, Relative: true, LowIsBetter: true}
	if got := k.Compare(m, numbersOf(2.5, 2.5), k.Seeds); math.Abs(got.Worse-.25) > 1e-12 || got.Verdict.Fails() {
		t.Errorf("a quarter slower: %+v", got)
	}
	if got := k.Compare(m, numbersOf(3, 3), k.Seeds); !got.Verdict.Fails() {
		t.Errorf("half again as slow: %+v", got)
	}
}

// TestGateErrorRates draws both samples from one normal distribution, without any
// tolerance: the gate may close one time in a thousand. Then it draws the second three
// deviations lower: with 8 seeds a side it should nearly always close.
func TestGateErrorRates(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	draw := func(mean float64) (out []eval.Number) {
		for range 8 {
			out = append(out, eval.Number(mean+rng.NormFloat64()))
		}
		return out
	}
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	for _, paired := range []bool{true, false} {
		now := seeds
		if !paired {
			now = []uint64{9}
		}
		const runs = 20_000
		alarms, caught := 0, 0
		for range runs {
			k, m := Case{Seeds: seeds}, Measured{Values: draw(0)}
			if k.Compare(m, draw(0), now).Verdict.Fails() {
				alarms++
			}
			if k.Compare(m, draw(-3), now).Verdict.Fails() {
				caught++
			}
		}
		// 20 expected; 40 is 4.5 standard deviations of a Poisson count above.
		if alarms > 40 {
			t.Errorf("paired %v: %d of %d false alarms", paired, alarms, runs)
		}
		if caught < runs*8/10 {
			t.Errorf("paired %v: %d of %d drops of three deviations caught", paired, caught, runs)
		}
	}
}

func TestBaselineValidate(t *testing.T) {
	good := func() Baseline {
		return Baseline{Version: 1, Cases: []Case{{Name: "a", Seeds: []uint64{1}, Measures: []Measured{{Name: "f1", Values: numbersOf(1)}}}}}
	}
	b := good()
	if err := b.Validate(); err != nil || b.Find("a") == nil || b.Find("b") != nil {
		t.Errorf("%v", err)
	}
	for _, spoil := range []func(*Baseline){
		func(b *Baseline) { b.Version = 2 },
		func(b *Baseline) { b.Cases[0].Seeds = nil },
		func(b *Baseline) { b.Cases[0].Measures[0].Tolerance = -1 },
		func(b *Baseline) { b.Cases[0].Measures[0].Values = numbersOf(1, 2) },
	} {
		b := good()
		if spoil(&b); b.Validate() == nil {
			t.Errorf("%+v is accepted", b)
		}
	}
}
