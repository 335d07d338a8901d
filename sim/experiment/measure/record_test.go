package measure

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string, h Header) (*Record, *os.File, error) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, err := OpenRecord(f, "runs.jsonl", h)
	return r, f, err
}

// A record that lost its last line half-way goes on behind the last whole one.
func TestARecordIsContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	h := Header{Cases: []About{{Name: "web", Digest: "abc"}}, Load: 1}
	r, f, err := open(t, path, h)
	if err != nil {
		t.Fatal(err)
	}
	first := &Measures{Case: "web", Policy: "hpa", Seed: 1, ViolatedSeconds: 17, Recover: -1}
	for _, err := range []error{r.Calibrated(&Calibration{Case: "web", Demands: []Demand{{Service: "web", Pods: []float64{1, 2}}}}), r.Add(first)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.WriteString(`{"run":{"case":"web","pol`); err != nil {
		t.Fatal(err)
	}
	r, _, err = open(t, path, h)
	if err != nil || !r.Done("web", "hpa", 1) || r.Done("web", "hpa", 2) || *r.Runs()[0] != *first || len(r.Calibrations["web"].Demands) != 1 {
		t.Fatalf("%v %+v", err, r)
	}
	if err := r.Add(&Measures{Case: "web", Policy: "hpa", Seed: 2}); err != nil {
		t.Fatal(err)
	}
	if err := r.AddTimeline(&Timeline{Case: "web", Policy: "hpa", Seed: 2, Step: 1, Load: []float64{1}, P50: []float64{2}, P95: []float64{3}, Violated: []bool{true}}); err != nil {
		t.Fatal(err)
	}
	if r, _, err = open(t, path, h); err != nil || r.Timeline("web", "hpa", 2).Load[0] != 1 || r.Timeline("web", "hpa", 1) != nil {
		t.Errorf("%v %+v", err, r)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 5 || strings.Contains(string(text), `"pol{`) {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestARecordOfSomethingElseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	h := Header{Cases: []About{{Name: "web", Digest: "abc"}}, Load: 1}
	if _, _, err := open(t, path, h); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]Header{
		"another file": {Cases: []About{{Name: "web", Digest: "abd"}}, Load: 1},
		"another tool": {Cases: []About{{Name: "web", Digest: "abc"}}, Load: 1, Tool: "v2"},
		"another load": {Cases: []About{{Name: "web", Digest: "abc"}}, Load: 1.2},
		"one more":     {Cases: []About{{Name: "web", Digest: "abc"}, {Name: "db", Digest: "x"}}, Load: 1},
	} {
		if _, _, err := open(t, path, other); err == nil {
			t.Errorf("%s: continued", name)
		} else {
			t.Log(err)
		}
	}
	for _, garbage := range []string{"not json\n", `{"run":{}}` + "\n", "{}\n", "\x00\n"} {
		if err := os.WriteFile(path, []byte(garbage), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := open(t, path, h); err == nil || !strings.Contains(err.Error(), "runs.jsonl:1") {
			t.Errorf("%q: %v", garbage, err)
		}
		if _, err := ReadRecord(strings.NewReader(garbage), "runs.jsonl"); err == nil {
			t.Errorf("%q: read as a record", garbage)
		}
	}
}

// Whatever a file holds, it is read as a record, or refused with its line.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(`{"header":{"version":2,"tool":"devel","load":1,"cases":[{"name":"web","digest":"a"}]}}
{"calibration":{"case":"web","services":{},"demands":[{"service":"web","pods":[1,2]}]}}
{"run":{"case":"web","policy":"scale","seed":1,"violated_s":7}}
{"timeline":{"case":"web","policy":"scale","seed":1,"step_s":1,"load":[1],"p50_ms":[1],"p95_ms":[2],"violated":[true],"services":[{"service":"web","want":[1],"ready":[1],"queue":[0],"demand":[1]}]}}
`))
	f.Add([]byte("{\"header\":{}}\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadRecord(bytes.NewReader(text), "runs.jsonl")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "runs.jsonl:") {
				t.Errorf("%v", err)
			}
			return
		}
		for _, m := range r.Runs() {
			if !r.Done(m.Case, m.Policy, m.Seed) {
				t.Errorf("%+v is not done", m)
			}
			if c := r.Timeline(m.Case, m.Policy, m.Seed); c != nil && len(c.Coarse(10).Load) > 10 {
				t.Error("a timeline is too long")
			}
		}
		Summarise(Plan{Cases: []string{"web"}, Policies: []string{"scale"}, Seeds: 3}, r.Runs(), "scale")
	})
}
