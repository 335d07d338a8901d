package rulefile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a rule file. Aliases make a small file expand without end, so what
// counts is the nodes visited.
const (
	MaxBytes = 1 << 20
	maxNodes = 200_000
	maxErrs  = 50
)

// Error is one thing wrong with a rule file.
type Error struct {
	File         string
	Line, Column int    // 1-based; 0: the file as a whole
	Field        string // e.g. "rules[2].when.latency"
	Msg          string // what was found and what is wanted
}

func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	if e.Field != "" {
		s += ": " + e.Field
	}
	return s + ": " + e.Msg
}

// decoder walks a node tree and collects errors.
type decoder struct {
	file   string
	errs   []error
	more   int // errors beyond maxErrs
	nodes  int
	places map[string]*yaml.Node // by field path
	// objects are the fields of each kind of object that was met, for the test that
	// compares them with the schema.
	objects map[string][]string
}

func (d *decoder) bad(n *yaml.Node, path, format string, args ...any) {
	if len(d.errs) == maxErrs {
		d.more++
		return
	}
	e := &Error{File: d.file, Field: path, Msg: fmt.Sprintf(format, args...)}
	if n != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	d.errs = append(d.errs, e)
}

func (d *decoder) err() error {
	if d.more > 0 {
		d.errs = append(d.errs, &Error{File: d.file, Msg: fmt.Sprintf("and %d more errors", d.more)})
	}
	return errors.Join(d.errs...)
}

// visit follows aliases and counts. It says false when the file is too large.
func (d *decoder) visit(n *yaml.Node, path string) (*yaml.Node, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.places[path] = n
	d.nodes++
	if d.nodes == maxNodes {
		d.bad(n, path, "the file has more than %d values with its aliases followed", maxNodes)
	}
	return n, d.nodes < maxNodes
}

// field is one field of an object and what reads it.
type field struct {
	name string
	read func(n *yaml.Node, path string)
}

// object reads a mapping. kind names it in the schema.
func (d *decoder) object(n *yaml.Node, path, kind string, fields []field) {
	d.objects[kind] = fieldNames(fields)
	n, ok := d.visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.bad(n, path, "want fields (%s), found %s", strings.Join(fieldNames(fields), ", "), describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		k := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		switch at := join(path, clip(key.Value)); {
		case k < 0:
			d.bad(key, at, "unknown field; %s", suggest(key.Value, fieldNames(fields)))
		case seen[key.Value]:
			d.bad(key, at, "given twice")
		default:
			seen[key.Value] = true
			fields[k].read(value, at)
		}
	}
}

// list reads a sequence.
func (d *decoder) list(n *yaml.Node, path string, read func(n *yaml.Node, path string)) {
	n, ok := d.visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.bad(n, path, "want a list, found %s", describe(n))
		return
	}
	for i, c := range n.Content {
		read(c, fmt.Sprintf("%s[%d]", path, i))
		if d.nodes >= maxNodes {
			return
		}
	}
}

// scalar reads one value as text.
func (d *decoder) scalar(n *yaml.Node, path, want string, read func(s string) error) {
	n, ok := d.visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.bad(n, path, "want %s, found %s", want, describe(n))
		return
	}
	if err := read(n.Value); err != nil {
		d.bad(n, path, "want %s, found %q%s", want, clip(n.Value), detail(err))
	}
}

// detail is what an error adds to "want …, found …".
func detail(err error) string {
	if errors.Is(err, errForm) || errors.Is(err, strconv.ErrSyntax) {
		return ""
	}
	return ": " + err.Error()
}

func fieldNames(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(clip(n.Value))
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// suggest names the known field that is closest, or all of them.
func suggest(name string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(name, k, least); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return "known are " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance, or most when that is as far.
func distance(a, b string, most int) int {
	if len(a) > 64 || len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
