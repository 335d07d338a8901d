package strictyaml

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// pair is an object with a number and a list of texts.
func pair(text string) (float64, []string, error) {
	r, root := Open("f", []byte(text), "x")
	var x float64
	var list []string
	if root != nil {
		r.Object(root, "", "pair", []Field{
			{"x", r.Number(&x, "a number")},
			{"list", func(n *yaml.Node, path string) {
				r.List(n, path, func(n *yaml.Node, path string) {
					var s string
					r.Text(&s, "a text")(n, path)
					list = append(list, s)
				})
			}},
		})
	}
	return x, list, r.Err()
}

func TestReader(t *testing.T) {
	if x, list, err := pair("x: 2\nlist: &l [a, b]\n"); x != 2 || len(list) != 2 || err != nil {
		t.Errorf("%v %v %v", x, list, err)
	}
	for text, want := range map[string]string{
		"":                         "f: the file is empty; want x",
		"x: 1\n---\nx: 2\n":        "f: want one YAML document, found a second one after ---",
		"x: 1\nx: 2\n":             "f:2:1: x: given twice",
		"x: 1\nlits: []\n":         "f:2:1: lits: unknown field; did you mean list?",
		"x: .inf\n":                `f:1:4: x: want a number, found ".inf"`,
		"list: [a, {b: c}]\n":      "f:1:11: list[1]: want a text, found fields",
		"list: 3\n":                "f:1:7: list: want a list, found \"3\"",
		"x: [\n":                   "f:",
		strings.Repeat("#", 2<<20): "want at most 1048576",
	} {
		if _, _, err := pair(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// A kilobyte of aliases that would be 10^9 values is refused, not followed.
func TestAliasesAreBounded(t *testing.T) {
	text := "list:\n"
	anchor := "x"
	for _, next := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		item := "*" + anchor
		if anchor == "x" {
			item = "x"
		}
		text += "- &" + next + " [" + strings.TrimSuffix(strings.Repeat(item+", ", 10), ", ") + "]\n"
		anchor = next
	}
	r, root := Open("f", []byte(text), "x")
	var deep Read
	deep = func(n *yaml.Node, path string) {
		if n, ok := r.Visit(n, path); ok && n.Kind == yaml.SequenceNode {
			r.List(n, path, deep)
		}
	}
	r.Object(root, "", "o", []Field{{"list", deep}})
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "more than 200000 values") {
		t.Errorf("%v", err)
	}
}
