package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file. Aliases make a small file expand without end, so what counts is
// the nodes visited.
const (
	MaxBytes = 1 << 20
	maxNodes = 200_000
	MaxErrs  = 50
)

// Error is one thing wrong with a file.
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

// Reader walks a node tree and collects errors.
type Reader struct {
	file   string
	errs   []error
	more   int // errors beyond MaxErrs
	nodes  int
	places map[string]*yaml.Node // by field path
	// objects are the fields of each kind of object that was met, for the tests that
	// compare them with a schema.
	objects map[string][]string
}

// Open parses the one document of text, at most MaxBytes. file names it in errors,
// of which there may be some already: root is then nil. empty says what an empty
// file lacks.
func Open(file string, text []byte, empty string) (r *Reader, root *yaml.Node) {
	r = &Reader{file: file, places: map[string]*yaml.Node{}, objects: map[string][]string{}}
	if len(text) > MaxBytes {
		r.Bad(nil, "", "the file has %d bytes, want at most %d", len(text), MaxBytes)
		return r, nil
	}
	root, err := document(text, empty)
	if err != nil {
		r.syntax(strings.TrimPrefix(err.Error(), "yaml: "))
		return r, nil
	}
	return r, root
}

// syntax is an error of the YAML library, which begins with a line it may know.
func (d *Reader) syntax(msg string) {
	e := &Error{File: d.file, Msg: msg}
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if number, after, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				e.Line, e.Column, e.Msg = line, 1, after
			}
		}
	}
	d.errs = append(d.errs, e)
}

func document(text []byte, empty string) (n *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty; want " + empty)
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

// OK reports that no error was met so far.
func (d *Reader) OK() bool { return len(d.errs) == 0 }

// Objects are the names of the fields of each kind of object that was read so far.
func (d *Reader) Objects() map[string][]string { return d.objects }

// Place is where a field is, or the closest thing around it that is there.
func (d *Reader) Place(path string) *yaml.Node {
	for path != "" {
		if n, ok := d.places[path]; ok {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return d.places[""]
}

// BadAt is Bad at the place of a field that was read.
func (d *Reader) BadAt(path, format string, args ...any) { d.Bad(d.Place(path), path, format, args...) }

// ErrorAt is an error at the place of a field, not added to those of the file.
func (d *Reader) ErrorAt(path, msg string) *Error {
	e := &Error{File: d.file, Field: path, Msg: msg}
	if n := d.Place(path); n != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	return e
}

// Bad adds an error at a node; nil: about the file as a whole.
func (d *Reader) Bad(n *yaml.Node, path, format string, args ...any) {
	if len(d.errs) == MaxErrs {
		d.more++
		return
	}
	e := &Error{File: d.file, Field: path, Msg: fmt.Sprintf(format, args...)}
	if n != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	d.errs = append(d.errs, e)
}

// Err joins what was wrong, each an [*Error].
func (d *Reader) Err() error {
	if d.more > 0 {
		d.errs = append(d.errs, &Error{File: d.file, Msg: fmt.Sprintf("and %d more errors", d.more)})
	}
	return errors.Join(d.errs...)
}

// Visit follows aliases and counts. It says false when the file is too large.
func (d *Reader) Visit(n *yaml.Node, path string) (*yaml.Node, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.places[path] = n
	d.nodes++
	if d.nodes == maxNodes {
		d.Bad(n, path, "the file has more than %d values with its aliases followed", maxNodes)
	}
	return n, d.nodes < maxNodes
}

// Field is one field of an object and what reads it.
type Field struct {
	Name string
	Read Read
}

// Read takes the value at a path.
type Read func(n *yaml.Node, path string)

// Object reads a mapping. kind names it in the schema.
func (d *Reader) Object(n *yaml.Node, path, kind string, fields []Field) {
	d.objects[kind] = fieldNames(fields)
	n, ok := d.Visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.Bad(n, path, "want fields (%s), found %s", strings.Join(fieldNames(fields), ", "), Describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		k := slices.IndexFunc(fields, func(f Field) bool { return f.Name == key.Value })
		switch at := Join(path, Clip(key.Value)); {
		case k < 0:
			d.Bad(key, at, "unknown field; %s", suggest(key.Value, fieldNames(fields)))
		case seen[key.Value]:
			d.Bad(key, at, "given twice")
		default:
			seen[key.Value] = true
			fields[k].Read(value, at)
		}
	}
}

// List reads a sequence.
func (d *Reader) List(n *yaml.Node, path string, read Read) {
	n, ok := d.Visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.Bad(n, path, "want a list, found %s", Describe(n))
		return
	}
	for i, c := range n.Content {
		read(c, fmt.Sprintf("%s[%d]", path, i))
		if d.nodes >= maxNodes {
			return
		}
	}
}

// Scalar reads one value as text.
func (d *Reader) Scalar(n *yaml.Node, path, want string, read func(s string) error) {
	n, ok := d.Visit(n, path)
	if !ok {
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.Bad(n, path, "want %s, found %s", want, Describe(n))
		return
	}
	if err := read(n.Value); err != nil {
		d.Bad(n, path, "want %s, found %q%s", want, Clip(n.Value), detail(err))
	}
}

// detail is what an error adds to "want …, found …".
func detail(err error) string {
	if errors.Is(err, ErrForm) || errors.Is(err, strconv.ErrSyntax) {
		return ""
	}
	return ": " + err.Error()
}

func fieldNames(fields []Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// Join is the path of a field of an object.
func Join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// Describe says what a node is.
func Describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(Clip(n.Value))
}

// Clip shortens what others wrote.
func Clip(s string) string {
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
