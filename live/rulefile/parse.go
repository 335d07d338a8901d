package rulefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
)

// Parse reads a rule file. file names it in errors. Every error is an *Error, all
// of them joined; the RuleSet is then not to be used.
func Parse(file string, text []byte) (live.RuleSet, error) {
	set, _, err := parse(file, text)
	return set, err
}

func parse(file string, text []byte) (live.RuleSet, *decoder, error) {
	d := &decoder{file: file, places: map[string]*yaml.Node{}, objects: map[string][]string{}}
	if len(text) > MaxBytes {
		d.bad(nil, "", "the file has %d bytes, want at most %d", len(text), MaxBytes)
		return live.RuleSet{}, d, d.err()
	}
	root, err := document(text)
	if err != nil {
		d.bad(nil, "", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return live.RuleSet{}, d, d.err()
	}
	set := d.ruleSet(root)
	if len(d.errs) == 0 {
		d.meaning(&set)
	}
	return set, d, d.err()
}

// document is the one document of text.
func document(text []byte) (n *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty; want version, targets and rules")
		}
		return nil, err
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("want one YAML document, found a second one after ---")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, errors.New("want one YAML document")
	}
	return doc.Content[0], nil
}

// meaning checks what the grammar cannot, and says where.
func (d *decoder) meaning(set *live.RuleSet) {
	d.fieldErrors("settings", set.Settings.Validate())
	names := map[string]int{}
	for i := range set.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		d.fieldErrors(path, set.Rules[i].Validate())
		if first, twice := names[set.Rules[i].Name]; twice {
			d.bad(d.place(path+".name"), path+".name", "%q is the name of rules[%d], too; decisions are explained by it", set.Rules[i].Name, first)
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
			d.bad(d.place(path+".target"), path+".target", "%s is listed twice", t.Target)
		}
		seen[t.Target] = true
		for k, s := range t.Services {
			if other, taken := services[s]; taken {
				at := fmt.Sprintf("%s.services[%d]", path, k)
				d.bad(d.place(at), at, "%q is run by %s already", s, other)
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
			d.bad(d.place(at), at, "want 0 <= min <= max, found min %d, max %d", least, most)
		}
	}
	bounds(path+".max", t.Guard.Min, t.Guard.Max)
	for i, s := range t.Schedule {
		at := fmt.Sprintf("%s.schedule[%d]", path, i)
		bounds(at+".max", s.Min, s.Max)
		if err := s.Period.Validate(); err != nil {
			d.bad(d.place(at), at, "%v", err)
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
			d.bad(d.place(at), at, "want direction, per, and one of replicas, percent and actions, all above 0")
		}
		if l.Direction == live.Down && l.Percent > 100 {
			d.bad(d.place(at+".percent"), at+".percent", "want at most 100%% on the way down, found %g%%", l.Percent)
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
			at := join(path, f.Field)
			d.bad(d.place(at), at, "%s", f.Msg)
			continue
		}
		d.bad(d.place(path), path, "%v", e)
	}
}

// place is where a field is, or the closest thing around it that is there.
func (d *decoder) place(path string) *yaml.Node {
	for path != "" {
		if n, ok := d.places[path]; ok {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return d.places[""]
}
