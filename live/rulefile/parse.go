package rulefile

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/strictyaml"
)

// Parse reads a rule file. file names it in errors. Every error is an *Error, all
// of them joined; the RuleSet is then not to be used.
func Parse(file string, text []byte) (live.RuleSet, error) {
	set, _, err := parse(file, text)
	return set, err
}

func parse(file string, text []byte) (live.RuleSet, *decoder, error) {
	r, root := strictyaml.Open(file, text, "version, targets and rules")
	d := &decoder{r}
	if root == nil {
		return live.RuleSet{}, d, d.Err()
	}
	set := d.ruleSet(root)
	if d.OK() {
		d.meaning(&set)
	}
	return set, d, d.Err()
}

// MaxBytes is the largest rule file.
const MaxBytes = strictyaml.MaxBytes

// Error is one thing wrong with a rule file.
type Error = strictyaml.Error

// decoder reads rule files strictly.
type decoder struct{ *strictyaml.Reader }

// field is one field of an object and what reads it.
type field struct {
	name string
	read strictyaml.Read
}

// object reads a mapping. kind names it in the schema.
func (d *decoder) object(n *yaml.Node, path, kind string, fields []field) {
	list := make([]strictyaml.Field, len(fields))
	for i, f := range fields {
		list[i] = strictyaml.Field{Name: f.name, Read: f.read}
	}
	d.Object(n, path, kind, list)
}

// meaning checks what the grammar cannot, and says where.
func (d *decoder) meaning(set *live.RuleSet) {
	d.fieldErrors("settings", set.Settings.Validate())
	names := map[string]int{}
	for i := range set.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		d.fieldErrors(path, set.Rules[i].Validate())
		if first, twice := names[set.Rules[i].Name]; twice {
			d.BadAt(path+".name", "%q is the name of rules[%d], too; decisions are explained by it", set.Rules[i].Name, first)
		} else {
			names[set.Rules[i].Name] = i
		}
	}
	d.targets(set)
}

func (d *decoder) targets(set *live.RuleSet) {
	services, seen := map[string]live.Target{}, map[live.Target]bool{}
	for i, t := range set.Targets {
		path := fmt.Sprintf("targets[%d]", i)
		if seen[t.Target] {
			d.BadAt(path+".target", "%s is listed twice", t.Target)
		}
		seen[t.Target] = true
		for k, s := range t.Services {
			if other, taken := services[s]; taken {
				at := fmt.Sprintf("%s.services[%d]", path, k)
				d.BadAt(at, "%q is run by %s already", s, other)
			}
			services[s] = t.Target
		}
		d.guard(path, t)
	}
	d.guard("defaults", live.TargetSpec{Guard: set.Default})
}

func (d *decoder) guard(path string, t live.TargetSpec) {
	bounds := func(at string, least, most int) {
		if least < 0 || most < 0 || most > 0 && most < least {
			d.BadAt(at, "want 0 <= min <= max, found min %d, max %d", least, most)
		}
	}
	bounds(path+".max", t.Guard.Min, t.Guard.Max)
	for i, s := range t.Schedule {
		at := fmt.Sprintf("%s.schedule[%d]", path, i)
		bounds(at+".max", s.Min, s.Max)
		if err := s.Period.Validate(); err != nil {
			d.BadAt(at, "%v", err)
		}
	}
	for i, l := range t.Guard.Limits {
		at := fmt.Sprintf("%s.limits[%d]", path, i)
		ways := 0
		for _, on := range []bool{l.Replicas != 0, l.Percent != 0, l.Actions != 0} {
			if on {
				ways++
			}
		}
		if ways != 1 || l.Replicas < 0 || l.Percent < 0 || l.Actions < 0 || l.Per <= 0 || l.Direction == live.Hold {
			d.BadAt(at, "want direction, per, and one of replicas, percent and actions, all above 0")
		}
		if l.Direction == live.Down && l.Percent > 100 {
			d.BadAt(at+".percent", "want at most 100%% on the way down, found %g%%", l.Percent)
		}
	}
}

// fieldErrors gives the errors of a Validate their place in the file.
func (d *decoder) fieldErrors(path string, err error) {
	if err == nil {
		return
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, e := range list {
		var f *live.FieldError
		if errors.As(e, &f) {
			at := strictyaml.Join(path, f.Field)
			d.BadAt(at, "%s", f.Msg)
			continue
		}
		d.BadAt(path, "%v", e)
	}
}
