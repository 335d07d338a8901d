package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// Policy is a way to scale a system. Start is called at time 0 of each run, and
// schedules what the policy does on the system's clock; finish, if not nil, is called
// behind the end of the run. A policy of one run shares nothing with another's.
type Policy struct {
	Name  string
	Doc   string // one line
	Start func(*Env) (finish func() error, err error)
	// Asks says that all it does is to start autoscalers with [Env.Autoscale]: it can be
	// asked what it would do in a run that it leaves alone.
	Asks bool
	// Knobs are what tuning may set; nil: the policy has nothing to tune.
	Knobs  []Knob
	remake func(settings) Policy
}

// Policies are the usual ones, in the order of tables: SCALE, the baselines, the bounds.
func Policies() []Policy {
	return []Policy{scale(), hpa(), keda(), vpa(), rate(), forecast(), oracle(), none()}
}

// ByName are policies that answer a question of their own, and are played when they are
// asked for. static decides nothing, and what it costs is in the oracle's demand: the
// other bounds say how good a decision can be, and how bad it is to take none.
func ByName() []Policy { return []Policy{static(), scaleAll()} }

// PoliciesNamed picks some of Policies and ByName, in their order. The error names those
// there are.
func PoliciesNamed(names ...string) (picked []Policy, err error) {
	known := append(Policies(), ByName()...)
	for _, n := range names {
		if !slices.ContainsFunc(known, func(p Policy) bool { return p.Name == n }) {
			var all []string
			for _, p := range known {
				all = append(all, p.Name)
			}
			return nil, fmt.Errorf("no policy %q: want some of %s", n, strings.Join(all, ", "))
		}
	}
	for _, p := range known {
		if slices.Contains(names, p.Name) {
			picked = append(picked, p)
		}
	}
	return picked, nil
}
