package rulefile

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/strictyaml"
)

func full(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFullFile(t *testing.T) {
	set, err := Parse("full.yaml", full(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Rules) != 4 || len(set.Targets) != 2 || set.Settings.Lateness != 8*time.Second || !set.ListedOnly {
		t.Fatalf("%+v", set)
	}
	r := set.Rules[0]
	if r.Then.Kind != live.Auto || r.Then.Vertical[1] != (live.ResourceAmount{Resource: live.Memory, Amount: live.Amount{Mode: live.Step, Value: 256 << 20}, Requests: true, Limits: true}) {
		t.Errorf("then: %+v", r.Then)
	}
	if !r.Match.Operation.Match("/cart/add") || r.Match.Operation.Match("/cart") || len(r.Match.Kinds) != 2 {
		t.Errorf("match: %+v", r.Match)
	}
	if b := set.Default.Resources[live.CPU]; b.Min != 100 || b.Max != 2000 {
		t.Errorf("cpu bounds %+v", b)
	}
	// 2026-01-05 is a Monday; 07:30 UTC is 08:30 in Berlin.
	if p := set.Targets[0].Schedule[0].Period; !p.Contains(time.Date(2026, 1, 5, 7, 30, 0, 0, time.UTC).UnixNano()) ||
		p.Contains(time.Date(2026, 1, 4, 7, 30, 0, 0, time.UTC).UnixNano()) {
		t.Errorf("schedule %+v", p)
	}
	if _, err := live.New(live.Options{Rules: set}); err != nil {
		t.Errorf("a pipeline refuses it: %v", err)
	}
	var words bytes.Buffer
	if err := Explain(&words, set); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"latency > 500ms, 10 times within 1m0s", "whichever the bottleneck asks for", "not while db", "2 to 20 replicas", "burning 14.4 times"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("explain lacks %q:\n%s", want, words.String())
		}
	}
}

// TestErrorsHavePlaces: the expected places were counted by hand in the text.
func TestErrorsHavePlaces(t *testing.T) {
	const head = "version: 1\nrules:\n- name: r\n"
	for name, c := range map[string]struct{ text, want string }{
		"unit":           {head + "  when: {latency: 500, times: 3, within: 1m}\n  then: {horizontal: {step: 1}}\n", `f:4:19: rules[0].when.latency: want a duration such as 250ms, 5m or 3d, found "500"`},
		"unknown":        {head + "  when: {latancy: 5ms}\n", `f:4:10: rules[0].when.latancy: unknown field; did you mean latency?`},
		"unknown far":    {head + "  whatever: 1\n", "known are name, match"},
		"twice":          {head + "  name: s\n", `f:4:3: rules[0].name: given twice`},
		"type":           {"version: 1\nrules: 3\n", `f:2:8: rules: want a list, found "3"`},
		"not fields":     {"- a\n", `f:1:1: want fields (version, settings`},
		"version":        {"version: 2\n", `f:1:10: version: want 1, found 2`},
		"no version":     {"rules: []\n", `version: want 1, found 0`},
		"empty":          {"", "the file is empty"},
		"two documents":  {"version: 1\n---\nversion: 1\n", "a second one"},
		"syntax":         {"version: [1\n", "f:1:1: did not find"},
		"regexp":         {head + "  match: {operation: 're:('}\n", "missing closing )"},
		"both":           {head + "  when: {latency: 1s, baseline: {multiple: 2}, times: 1, within: 1m}\n  then: {horizontal: {step: 1}}\n", "f:4:9: rules[0].when: want one of latency and baseline, found both"},
		"no way":         {head + "  when: {latency: 1s, within: 1m}\n  then: {horizontal: {step: 1}}\n", "rules[0].when: want exactly one of times, share, slo and always, found 0"},
		"no response":    {head + "  when: {latency: 1s, times: 2, within: 1m}\n", "rules[0].then.horizontal: want an amount"},
		"negative times": {head + "  when: {latency: 1s, times: -2, within: 1m}\n  then: {horizontal: {step: 1}}\n", "f:4:30: rules[0].when.times: want 1 to 65536, found -2"},
		"NaN":            {head + "  when: {baseline: {multiple: .nan}, times: 2, within: 1m}\n", "rules[0].when.baseline.multiple: want a factor"},
		"two names":      {head + "  when: {latency: 1s, times: 2, within: 1m}\n  then: {horizontal: {step: 1}}\n- name: r\n  when: {latency: 1s, times: 2, within: 1m}\n  then: {horizontal: {step: 1}}\n", `f:6:9: rules[1].name: "r" is the name of rules[0], too`},
		"two targets":    {"version: 1\ntargets:\n- {target: deployment/a, services: [x]}\n- {target: deployment/b, services: [x]}\n", `f:4:37: targets[1].services[0]: "x" is run by deployment/a already`},
		"bad target":     {"version: 1\ntargets:\n- {target: a, services: [x]}\n", `f:3:12: targets[0].target: want kind/name or kind/namespace/name, found "a"`},
		"min max":        {"version: 1\ntargets:\n- {target: d/a, services: [x], min: 5, max: 2}\n", "want 0 <= min <= max, found min 5, max 2"},
		"limit":          {"version: 1\ndefaults: {limits: [{direction: up, per: 1m}]}\n", "defaults.limits[0]: want direction, per, and one of"},
		"zone":           {"version: 1\ntargets:\n- {target: d/a, services: [x], schedule: [{days: daily, zone: Mars/Base}]}\n", "unknown time zone Mars/Base"},
		"slo":            {head + "  when: {latency: 1s, slo: {objective: 100%}}\n  then: {horizontal: {step: 1}}\n", "rules[0].when.slo.objective: want above 0 and below 1"},
		"calm":           {head + "  when: {latency: 1s, times: 2, within: 1m}\n  then: {horizontal: {step: 1}}\n  calm: {for: 1m, min_spans: 0, then: {horizontal: {step: 1}}}\n", "f:6:30: rules[0].calm.min_spans: want 1 or more, found 0: silence is not calm"},
		"null":           {head + "  when: {latency: }\n", "found nothing"},
	} {
		_, err := Parse("f", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

func TestAllErrorsAreReported(t *testing.T) {
	_, err := Parse("f", []byte("version: 1\nrules:\n- {name: '', by: x, spans: y}\n- {blame: z}\n"))
	if n := strings.Count(err.Error(), "\n") + 1; n != 4 {
		t.Errorf("%d errors, want 4:\n%v", n, err)
	}
	_, err = Parse("f", []byte("version: 1\nrules:\n"+strings.Repeat("- {blame: z}\n", 1000)))
	if n := strings.Count(err.Error(), "\n") + 1; n != strictyaml.MaxErrs+1 || !strings.Contains(err.Error(), "950 more") {
		t.Errorf("%d errors reported", n)
	}
}

// TestAliasesDoNotExplode is the YAML bomb: a few hundred bytes that would be 10^8
// periods.
func TestAliasesDoNotExplode(t *testing.T) {
	text := "version: 1\nrules:\n- &r\n  name: r\n  active: &a [" + strings.Repeat("{days: daily},", 2000) + "]\n" + strings.Repeat("- *r\n", 20000)
	if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), "aliases followed") {
		t.Errorf("%.200v", err)
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaFields: the parser's objects and fields are the schema's, both ways.
func TestSchemaFields(t *testing.T) {
	_, d, err := parse("full.yaml", full(t))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]any
		Defs       map[string]struct {
			Type       string
			Properties map[string]any
			Additional any `json:"additionalProperties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &s); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"file": keys(s.Properties)}
	for name, def := range s.Defs {
		if def.Type == "object" {
			want[name] = keys(def.Properties)
		}
	}
	got := map[string][]string{}
	for kind, fields := range d.Objects() {
		got[kind] = slices.Sorted(slices.Values(fields))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the parser and the schema differ:\nparser %v\nschema %v", got, want)
	}
}

func keys(m map[string]any) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestSchemaVerdicts: whatever the schema refuses, the parser refuses; and the
// files that the parser takes, the schema takes.
func TestSchemaVerdicts(t *testing.T) {
	s := schema(t)
	const rule = "version: 1\nrules:\n- name: r\n  when: {latency: 1s, times: 2, within: 1m}\n  then: {horizontal: {step: 1}}\n"
	for text, valid := range map[string]bool{
		string(full(t)): true, rule: true, "version: 1\n": true,
		rule + "  x: 1\n": false, rule + "  by: x\n": false, rule + "  calm: {}\n": false, "version: 2\n": false, "rules: []\n": false,
		strings.Replace(rule, "1s", "1", 1): false, strings.Replace(rule, "step: 1", "step: 0", 1): false,
		strings.Replace(rule, "2,", "two,", 1): false, strings.Replace(rule, "{step: 1}", "{}", 1): false,
		rule + "  match: {kind: x}\n": false, rule + "  match: {kind: [client, server]}\n": true,
		rule + "  active: [{days: monday}]\n": false, rule + "  active: [{days: \"sat,sun\"}]\n": true,
	} {
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		schemaErr := s.Validate(v)
		_, parseErr := Parse("f", []byte(text))
		if (schemaErr == nil) != valid || (parseErr == nil) != valid {
			t.Errorf("%s\nvalid %v, schema: %v, parser: %v", text, valid, schemaErr, parseErr)
		}
	}
}

func TestLint(t *testing.T) {
	text := `version: 1
settings: {listed_only: true}
targets:
- {target: deployment/a, services: [a]}
rules:
- name: one
  match: {service: b}
  when: {latency: 1s, times: 1, within: 1m}
  blame: off
  then: {horizontal: {step: 1}}
  not_while: [c]
- name: two
  match: {service: c}
  when: {latency: 1s, share: 1%, within: 10m}
  then: {horizontal: {step: 1}}
  calm: {for: 1m, then: {horizontal: {step: 1}}}
  not_while: [b, nobody]
`
	found, err := Lint("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range found {
		all = append(all, e.Error())
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{
		"f:4:3: targets[0]: no max", "no min", "no cooldown", "f:4:37: targets[0].services[0]: no rule matches", "rules[0]: no calm",
		"f:8:30: rules[0].when.times: a single span", "no listed target runs", "is not longer than the window", "fewer than 20 spans is noise",
		`f:17:18: rules[1].not_while[1]: no target or rule names service "nobody"`, "wait for each other",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lint lacks %q:\n%s", want, got)
		}
	}
	if clean, err := Lint("full.yaml", full(t)); err != nil || len(clean) != 2 {
		t.Errorf("the full example has two warnings, a target without min and a rule without calm: %v %v", clean, err)
	}
}

// TestExample: nothing is wrong with the file that we tell people to start from, for
// the linter, the schema and a pipeline.
func TestExample(t *testing.T) {
	found, err := Lint("example.yaml", Example)
	if err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	var doc any
	if err := yaml.Unmarshal(Example, &doc); err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(doc); err != nil {
		t.Error(err)
	}
	set, err := Parse("example.yaml", Example)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := live.New(live.Options{Rules: set}); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full(f))
	f.Add([]byte("version: 1\nrules: [{name: r, when: {latency: 1s, times: 1, within: 1m}, then: {horizontal: {step: 1}}}]"))
	f.Add([]byte("a: &a [*a, *a]"))
	f.Add([]byte("<<: {version: 1}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := Parse("f", text)
		if err != nil {
			return
		}
		if _, err := live.New(live.Options{Rules: set}); err != nil {
			t.Errorf("the parser took what a pipeline refuses: %v\n%s", err, text)
		}
		var first, second bytes.Buffer
		if err := Write(&first, set); err != nil {
			t.Fatal(err)
		}
		again, err := Parse("written", first.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, text, first.String())
		}
		if err := Write(&second, again); err != nil || first.String() != second.String() {
			t.Errorf("%v: %s\nis written as\n%s\nand then as\n%s", err, text, first.String(), second.String())
		}
	})
}
