package experiment

import (
	"reflect"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// Whoever has knobs gets the same number of distinct configurations, the defaults first
// and the same at every call. The suite's budget is 50.
func TestEveryPolicyGetsItsBudget(t *testing.T) {
	for _, p := range append(Policies(), ByName()...) {
		if p.Space() == nil {
			if name := p.Name; name != "none" && name != "oracle" {
				t.Errorf("%s: nothing to tune", name)
			}
			continue
		}
		all, again := p.Configurations(50, 1), p.Configurations(50, 1)
		if len(all) != 50 || !reflect.DeepEqual(all, again) || !reflect.DeepEqual(all[0], p.Defaults()) {
			t.Errorf("%s: %d configurations, the first %v", p.Name, len(all), all[0])
		}
		names := map[string]bool{}
		for i, c := range all {
			made, err := p.With(c)
			if err != nil {
				t.Fatal(err)
			}
			names[made.Name] = true
			if (made.Name == p.Name) != (i == 0) || measure.Family(made.Name) != p.Name || made.Asks != p.Asks {
				t.Errorf("%s: configuration %d is called %s", p.Name, i, made.Name)
			}
		}
		if len(names) != 50 {
			t.Errorf("%s: %d distinct configurations", p.Name, len(names))
		}
	}
}

// What a configuration is called depends on its values and not on how they are written,
// nor on whether defaults are.
func TestTheNameOfAConfigurationIsItsValues(t *testing.T) {
	p := hpa()
	name := func(c Configuration) string {
		made, err := p.With(c)
		if err != nil {
			t.Fatal(err)
		}
		return made.Name
	}
	a := name(Configuration{"cpu_percent": "50"})
	if b := name(Configuration{"cpu_percent": "50.0", "up_window_s": "0"}); a != b || a == p.Name {
		t.Errorf("%s and %s", a, b)
	}
	if b := name(Configuration{"cpu_percent": "55"}); a == b {
		t.Errorf("two configurations are called %s", a)
	}
	if b := name(Configuration{"cpu_percent": "70"}); b != p.Name {
		t.Errorf("the defaults are called %s", b)
	}
	for text, c := range map[string]Configuration{
		"such knob":           {"cpu": "50"},
		"number in 30..95":    {"cpu_percent": "96"},
		`"NaN": want`:         {"cpu_percent": "NaN"},
		"whole number in 0..": {"up_window_s": "0.5"},
	} {
		if _, err := p.With(c); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: %v, want %q", c, err, text)
		}
	}
}

// At their defaults the knobs of SCALE say what the rules of a case say anyway; whatever
// they say is a rule set that the pipeline takes.
func TestKnobsOfSCALEAreRules(t *testing.T) {
	c := webCase(t)
	was, err := c.Rules(live.Sampled)
	if err != nil {
		t.Fatal(err)
	}
	same, _ := c.Rules(live.Sampled)
	defaultsOf(scaleKnobs).tune(&same)
	if !reflect.DeepEqual(was, same) {
		t.Errorf("the defaults change the rules: %+v, want %+v", same, was)
	}
	if d := defaultsOf(scaleKnobs)["kept_percent"] / 100; d != keptOrdinary {
		t.Errorf("kept_percent is by default %v, want %v", d, keptOrdinary)
	}
	p := scale()
	for _, values := range p.Configurations(20, 7) {
		set, _ := c.Rules(live.Sampled)
		s := defaultsOf(scaleKnobs)
		for name, text := range values {
			k := Knob{Name: name}
			s[name] = k.number(text)
		}
		s.tune(&set)
		if _, err := live.New(live.Options{Rules: set, Orchestrator: live.NewLedger(nil, live.State{Replicas: 1, Ready: 1})}); err != nil {
			t.Errorf("%v: %v", values, err)
		}
	}
}

// An HPA has no spec.behavior until its pace is asked for, and then what was asked for.
func TestPaceOfAnHPA(t *testing.T) {
	s := defaultsOf(hpaKnobs)
	if b := s.behavior(); b != nil {
		t.Errorf("a behavior at the defaults: %+v", b)
	}
	s["down_window_s"], s["up_percent"] = 60, 50
	b := s.behavior()
	if b == nil || b.Down.Window != 60e9 || b.Up.Policies[1].Percent != 50 || b.Up.Policies[0].Pods != 4 || b.Down.Policies[0].Percent != 100 {
		t.Errorf("%+v", b)
	}
}
