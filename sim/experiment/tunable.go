package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
	"github.com/scale-eval/scale-eval/tuning"
)

// Knob is an option of a policy that tuning may set. A policy lists its knobs in its own
// file; all that reads them goes through [Policy.With].
type Knob struct {
	Name   string // with the unit, if it has one
	Values string // as [tuning.ParseParam] reads them
	// Default is the value in configuration 0, which is what the policy plays untuned.
	Default string
	Doc     string // what it is, and where default and range come from
}

// Configuration is values of knobs by name.
type Configuration map[string]string

// settings are the values of all knobs of a policy. What a policy asks for must be among
// its knobs.
type settings map[string]float64

// nanoseconds of a knob in seconds.
func (s settings) nanoseconds(name string) int64 { return int64(math.Round(s[name] * 1e9)) }

// tunable is the policy that start makes of the defaults of its knobs.
func tunable(knobs []Knob, start func(settings) Policy) Policy {
	p := start(defaultsOf(knobs))
	p.Knobs, p.remake = knobs, start
	return p
}

func defaultsOf(knobs []Knob) settings {
	values := settings{}
	for _, k := range knobs {
		values[k.Name] = k.number(k.Default)
	}
	return values
}

// number is a value of a knob. It panics on what is none: knobs are written in this
// package, and With has checked what comes from outside.
func (k *Knob) number(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic("experiment: knob " + k.Name + ": " + err.Error())
	}
	return x
}

// param is the knob as a dimension of a search. It panics on a knob that is none; a test
// goes through all.
func (k *Knob) param() tuning.Param {
	p, err := tuning.ParseParam(k.Name + "=" + k.Values)
	if err != nil {
		panic("experiment: " + err.Error())
	}
	return p
}

// bounds are the ends of the knob's range, and whether it has whole numbers only.
func (k *Knob) bounds() (lo, hi float64, whole bool) {
	p := k.param()
	n := len(p.Levels)
	if n == 0 {
		return p.Lo, p.Hi, p.Integer
	}
	fraction := func(level string) bool { return strings.Contains(level, ".") }
	return k.number(p.Levels[0]), k.number(p.Levels[n-1]), p.Integer || !slices.ContainsFunc(p.Levels, fraction)
}

// Want says in words what the knob may be set to.
func (k *Knob) Want() string {
	lo, hi, whole := k.bounds()
	if whole {
		return fmt.Sprintf("a whole number in %g..%g", lo, hi)
	}
	return fmt.Sprintf("a number in %g..%g", lo, hi)
}

// check wants a number between the ends of the knob's range.
func (k *Knob) check(text string) error {
	lo, hi, whole := k.bounds()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= lo && x <= hi) || whole && x != math.Trunc(x) {
		return fmt.Errorf("%q: want %s", text, k.Want())
	}
	return nil
}

// Space is what a search of the policy's configurations goes through; nil: it has no
// knobs.
func (p *Policy) Space() *tuning.Space {
	if len(p.Knobs) == 0 {
		return nil
	}
	var params []tuning.Param
	for i := range p.Knobs {
		params = append(params, p.Knobs[i].param())
	}
	space, err := tuning.NewSpace(params)
	if err != nil {
		panic("experiment: policy " + p.Name + ": " + err.Error())
	}
	return space
}

// Defaults is configuration 0.
func (p *Policy) Defaults() Configuration {
	c := Configuration{}
	for _, k := range p.Knobs {
		c[k.Name] = k.Default
	}
	return c
}

// With is the policy with other values of its knobs; a knob that c does not name keeps
// its default. The name of what is not the default has a digest of all values, so that
// results of one configuration are never taken for those of another. The error names the
// knob.
func (p *Policy) With(c Configuration) (Policy, error) {
	for _, name := range sorted(c) {
		i := slices.IndexFunc(p.Knobs, func(k Knob) bool { return k.Name == name })
		if i < 0 {
			return Policy{}, fmt.Errorf("%s: policy %s has no such knob: want some of %s", name, p.Name, strings.Join(p.knobNames(), ", "))
		}
		if err := p.Knobs[i].check(c[name]); err != nil {
			return Policy{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	values, changed := defaultsOf(p.Knobs), false
	var identity strings.Builder
	for i := range p.Knobs {
		k := &p.Knobs[i]
		if text, ok := c[k.Name]; ok {
			changed = changed || k.number(text) != values[k.Name]
			values[k.Name] = k.number(text)
		}
		fmt.Fprintf(&identity, "%s=%g\n", k.Name, values[k.Name])
	}
	if !changed {
		return *p, nil
	}
	made := p.remake(values)
	made.Knobs, made.remake = p.Knobs, p.remake
	sum := sha256.Sum256([]byte(identity.String()))
	made.Name = measure.Tuned(p.Name, hex.EncodeToString(sum[:4]))
	return made, nil
}

func (p *Policy) knobNames() (names []string) {
	for _, k := range p.Knobs {
		names = append(names, k.Name)
	}
	return names
}

func sorted(c Configuration) (names []string) {
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Configurations are the n that a policy is tried with: its defaults, and n-1 drawn from
// its space, a Latin hypercube of which what is drawn twice gives way to random ones.
// The same n and seed give the same. Fewer come back when the space is smaller.
func (p *Policy) Configurations(n int, seed uint64) []Configuration {
	all := []Configuration{p.Defaults()}
	space := p.Space()
	if space == nil {
		return all
	}
	seen := map[string]bool{}
	add := func(points []tuning.Point) {
		for _, point := range points {
			c := Configuration{}
			for i, name := range space.Names() {
				c[name] = point[i]
			}
			made, err := p.With(c)
			if err != nil {
				panic("experiment: policy " + p.Name + ": " + err.Error())
			}
			if len(all) < n && made.Name != p.Name && !seen[made.Name] {
				seen[made.Name] = true
				all = append(all, c)
			}
		}
	}
	if n > 1 {
		add(tuning.LatinHypercube(space, n-1, seed).Next())
		add(tuning.Random(space, 2*n, seed).Next())
	}
	return all
}
