package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"
)

// configFlag is for every command that takes a file of flag values.
func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "YAML `FILE` of flag values, one \"name: value\" a line, such as the tuned.yaml of scale-eval tune; flags on the command line win over it"}
}

// applyConfig sets the flags that the file of --config names and the command line
// does not. Unknown names are errors with the line they stand on.
func applyConfig(c *cli.Context) error {
	path := c.String("config")
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return usageError{err}
	}
	values, err := parseConfig(b)
	if err != nil {
		return usagef("%s: %w", path, err)
	}
	onLine := c.LocalFlagNames() // before the file sets any
	for _, v := range values {
		f := findFlag(c.Command.Flags, v.name)
		if f == nil || v.name == "config" {
			return usagef("%s:%d: unknown key %q: want the name of a flag of scale-eval %s, without the dashes", path, v.line, v.name, c.Command.Name)
		}
		if slices.ContainsFunc(f.Names(), func(n string) bool { return slices.Contains(onLine, n) }) {
			continue
		}
		if err := setFlag(c, v.name, v.values); err != nil {
			return usagef("%s:%d: %s: %q: %w", path, v.line, v.name, strings.Join(v.values, ", "), err)
		}
	}
	return nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// configValue is one line of a config: a scalar, or a list for repeatable flags.
type configValue struct {
	name   string
	values []string
	line   int
}

// parseConfig reads a YAML mapping of scalars and lists of scalars, in order.
func parseConfig(b []byte) ([]configValue, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	m := doc.Content[0]
	if m.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: want lines of \"name: value\"", m.Line)
	}
	var out []configValue
	for i := 0; i < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		v := configValue{name: key.Value, line: key.Line}
		nodes := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			nodes = value.Content
		}
		for _, n := range nodes {
			if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
				return nil, fmt.Errorf("line %d: %s: want a value or a list of values", n.Line, key.Value)
			}
			v.values = append(v.values, n.Value)
		}
		if slices.ContainsFunc(out, func(o configValue) bool { return o.name == v.name }) {
			return nil, fmt.Errorf("line %d: %s is there twice", key.Line, key.Value)
		}
		out = append(out, v)
	}
	return out, nil
}

// overlay is c with other values for some flags: what run would see if they were on
// its command line. flags makes the flags anew, because a flag keeps state. Safe for
// concurrent use as long as nobody sets flags of c.
func overlay(c *cli.Context, flags func() []cli.Flag, set map[string][]string) (*cli.Context, error) {
	fs := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fresh := flags()
	for _, f := range fresh {
		if err := f.Apply(fs); err != nil {
			return nil, err
		}
		name := f.Names()[0]
		if findFlag(c.Command.Flags, name) == nil {
			continue
		}
		values := []string{fmt.Sprint(c.Value(name))}
		if _, isSlice := f.(*cli.StringSliceFlag); isSlice {
			values = c.StringSlice(name)
		}
		for _, v := range values {
			if err := fs.Set(name, v); err != nil {
				return nil, fmt.Errorf("--%s %q: %w", name, v, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if fs.Lookup(name) == nil {
			return nil, usagef("no option %q to set", name)
		}
		for _, v := range set[name] {
			if err := fs.Set(name, v); err != nil {
				return nil, usagef("%s = %q: %w", name, v, err)
			}
		}
	}
	o := cli.NewContext(c.App, fs, nil)
	o.Context = c.Context
	command := *c.Command
	command.Flags = fresh
	o.Command = &command
	return o, nil
}
