package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live/strictyaml"
	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// tunedVersion is that of a file of tuned policies.
const tunedVersion = 1

// tunedPolicies are policies as a file configures them.
func tunedPolicies(ctx context.Context, path string, policies []experiment.Policy) ([]experiment.Policy, error) {
	text, err := readNamed(ctx, path)
	if err != nil {
		return nil, usagef("--tuned: %w", err)
	}
	configured, err := parseTuned(path, text)
	if err != nil {
		return nil, err
	}
	found := false
	tuned := slices.Clone(policies)
	for i := range tuned {
		values, ok := configured[tuned[i].Name]
		if !ok {
			continue
		}
		found = true
		if tuned[i], err = tuned[i].With(values); err != nil {
			return nil, fmt.Errorf("%s: policy %s: %w", path, policies[i].Name, err)
		}
	}
	if !found {
		return nil, usagef("--tuned %s: it has none of the policies that are played", path)
	}
	return tuned, nil
}

// parseTuned reads the configurations of a file by policy. An error is of the file, its
// line and field.
func parseTuned(path string, text []byte) (map[string]experiment.Configuration, error) {
	configured := map[string]experiment.Configuration{}
	r, root := strictyaml.Open(path, text, "version and policies")
	if root == nil {
		return nil, r.Err()
	}
	fileVersion := 0
	var policies []strictyaml.Field
	for _, p := range append(experiment.Policies(), experiment.ByName()...) {
		if p.Space() != nil {
			policies = append(policies, strictyaml.Field{Name: p.Name, Read: readTuned(r, p, configured)})
		}
	}
	r.Object(root, "", "file", []strictyaml.Field{
		{Name: "version", Read: r.Integer(&fileVersion)},
		{Name: "policies", Read: func(n *yaml.Node, at string) { r.Object(n, at, "policies", policies) }},
	})
	if r.OK() && fileVersion != tunedVersion {
		r.BadAt("version", "want %d, found %d", tunedVersion, fileVersion)
	}
	if r.OK() && len(configured) == 0 {
		r.BadAt("policies", "want one policy or more with values of its knobs")
	}
	return configured, r.Err()
}

// readTuned reads the knobs of a policy.
func readTuned(r *strictyaml.Reader, p experiment.Policy, configured map[string]experiment.Configuration) strictyaml.Read {
	return func(n *yaml.Node, at string) {
		values := experiment.Configuration{}
		configured[p.Name] = values
		var fields []strictyaml.Field
		for i := range p.Knobs {
			name := p.Knobs[i].Name
			fields = append(fields, strictyaml.Field{Name: name, Read: func(n *yaml.Node, at string) {
				r.Scalar(n, at, p.Knobs[i].Want(), func(text string) error {
					values[name] = text
					if _, err := p.With(experiment.Configuration{name: text}); err != nil {
						return strictyaml.ErrForm
					}
					return nil
				})
			}})
		}
		r.Object(n, at, p.Name, fields)
	}
}

// writeTuned writes the chosen configurations as parseTuned reads them, with what each
// knob is.
func writeTuned(w io.Writer, t *measure.Tuning) error {
	if _, err := fmt.Fprintf(w, "# The best of %d configurations a policy; play them with scale-eval simulate --tuned FILE.\nversion: %d\npolicies:\n", t.Budget, tunedVersion); err != nil {
		return err
	}
	for i := range t.Policies {
		p := &t.Policies[i]
		known, err := experiment.PoliciesNamed(p.Policy)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "  %s:\n", p.Policy); err != nil {
			return err
		}
		for _, k := range known[0].Knobs {
			if _, err := fmt.Fprintf(w, "    %s: %s # default %s: %s\n", k.Name, p.Tuned().Values[k.Name], k.Default, k.Doc); err != nil {
				return err
			}
		}
	}
	return nil
}
