package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live/ops"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/rulefile"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rights is all that live mode may have, by group/resource.
var rights = map[string][]string{
	"apps/deployments": {"get", "list", "watch"}, "apps/statefulsets": {"get", "list", "watch"},
	"apps/deployments/scale": {"get", "update", "patch"}, "apps/statefulsets/scale": {"get", "update", "patch"},
	"/pods": {"get", "list", "watch"}, "/services": {"get", "list", "watch"}, "autoscaling/horizontalpodautoscalers": {"get", "list", "watch"},
	"/events": {"create", "patch"}, "coordination.k8s.io/leases": {"get", "create", "update"},
}

// TestRights: nothing beyond reading targets, writing their scale, leases and events;
// in one namespace.
func TestRights(t *testing.T) {
	for _, file := range []string{"kustomize/rbac.yaml", "chart/templates/rbac.yaml"} {
		granted := 0
		for dec := yaml.NewDecoder(strings.NewReader(read(t, file))); ; {
			var o struct {
				Kind  string
				Rules []struct {
					APIGroups []string `yaml:"apiGroups"`
					Resources []string
					Verbs     []string
				}
			}
			if err := dec.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(file, err)
			}
			if strings.HasPrefix(o.Kind, "Cluster") {
				t.Errorf("%s: %s: rights outside the namespace", file, o.Kind)
			}
			for _, r := range o.Rules {
				for _, g := range r.APIGroups {
					for _, res := range r.Resources {
						for _, v := range r.Verbs {
							if granted++; !slices.Contains(rights[g+"/"+res], v) {
								t.Errorf("%s: %s on %s/%s is more than live mode needs", file, v, g, res)
							}
						}
					}
				}
			}
		}
		if granted < 10 {
			t.Errorf("%s: %d rights: the test reads it wrongly", file, granted)
		}
	}
}

// TestMetricNames: dashboard and alerts ask for metrics that exist.
func TestMetricNames(t *testing.T) {
	var board ops.Board
	reg := prometheus.NewRegistry()
	reg.MustRegister(ops.NewMetrics(&board, func() otlp.Counters { return otlp.Counters{} }, nil))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"scale_eval_model_age_seconds": true} // there with a trained model only
	for _, f := range families {
		known[f.GetName()] = true
	}
	for _, file := range []string{"dashboard.json", "alerts.yaml"} {
		names := regexp.MustCompile(`scale_eval_\w+`).FindAllString(read(t, file), -1)
		if len(names) < 7 {
			t.Errorf("%s: %d names", file, len(names))
		}
		for _, n := range names {
			if !known[strings.TrimSuffix(n, "_bucket")] {
				t.Errorf("%s: no metric %s", file, n)
			}
		}
	}
	var any map[string]any
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &any); err != nil {
		t.Error(err)
	}
	if err := yaml.Unmarshal([]byte(read(t, "alerts.yaml")), &any); err != nil {
		t.Error(err)
	}
}

// TestRules: the rules that come along are rules.
func TestRules(t *testing.T) {
	if _, err := rulefile.Parse("rules.yaml", []byte(read(t, "kustomize/rules.yaml"))); err != nil {
		t.Error(err)
	}
	var values struct{ Rules string }
	if err := yaml.NewDecoder(bytes.NewReader([]byte(read(t, "chart/values.yaml")))).Decode(&values); err != nil {
		t.Fatal(err)
	}
	if _, err := rulefile.Parse("values.yaml", []byte(values.Rules)); err != nil {
		t.Error(err)
	}
}
