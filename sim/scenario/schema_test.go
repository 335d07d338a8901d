package scenario

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func full(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSchemaFields: the objects and fields of the parser are those of the schema,
// both ways.
func TestSchemaFields(t *testing.T) {
	_, p := parse("full.yaml", full(t), Options{})
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	type object struct {
		Type       string
		Properties map[string]any
		Additional any `json:"additionalProperties"`
	}
	var s struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &s); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"file": slices.Sorted(maps.Keys(s.Properties))}
	for name, def := range s.Defs {
		if def.Type == "object" {
			want[name] = slices.Sorted(maps.Keys(def.Properties))
			if def.Additional != false {
				t.Errorf("%s takes unknown fields", name)
			}
		}
	}
	got := map[string][]string{}
	for kind, fields := range p.Objects() {
		got[kind] = slices.Sorted(slices.Values(fields))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the parser and the schema differ:\nparser %v\nschema %v", got, want)
	}
}

// TestSchemaVerdicts: the schema takes what the parser takes, and refuses what is
// wrong in itself; names, cycles and sums are the business of the parser alone.
func TestSchemaVerdicts(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{string(full(t)): true, good: true}
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			t.Fatal(err)
		}
		files[string(text)] = true
	}
	for _, spoil := range [][2]string{
		{"rps: 10", "rpm: 10"}, {"rps: 10", "rps: -10"}, {"cpu: 8", "cpu: 0"}, {"cpu: 10ms", "cpu: [1]"},
		{"cpu: 10ms", "cpu: fast"}, {"version: 1", "version: 2"}, {"users: 5", "users: 1000000000"}, {"direction: up", "direction: left"},
	} {
		files[strings.Replace(good+"accept: [{service: web, direction: up}]\n", spoil[0], spoil[1], 1)] = false
	}
	for text, valid := range files {
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		schemaErr := schema.Validate(v)
		_, parseErr := Parse("f", []byte(text), Options{})
		if (schemaErr == nil) != valid || (parseErr == nil) != valid {
			t.Errorf("%.200s\nvalid %v, schema: %v, parser: %v", text, valid, schemaErr, parseErr)
		}
	}
}
