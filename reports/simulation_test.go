package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// simulatedRuns are two cases with three seeds: in "crowd" hpa violates 40 s less than
// scale and none 200 s more; in "calm" all are the same and hpa is 2 h cheaper.
func simulatedRuns() (measure.Plan, []*measure.Measures) {
	plan := measure.Plan{Cases: []string{"crowd", "calm"}, Policies: []string{"scale", "hpa", "none", "oracle"}, Seeds: 3}
	var runs []*measure.Measures
	for seed := uint64(1); seed <= 3; seed++ {
		jitter := float64(seed)
		for i, p := range plan.Policies {
			runs = append(runs,
				&measure.Measures{Case: "crowd", Policy: p, Seed: seed, Requests: 1000, ViolatedSeconds: []float64{100, 60, 300, 0}[i] + jitter*float64(1+i%2), PodSeconds: 36000, Detect: -1, Decide: -1, Ready: -1, Recover: 12},
				&measure.Measures{Case: "calm", Policy: p, Seed: seed, Requests: 1000, ViolatedSeconds: 7, PodSeconds: []float64{18000, 10800, 18000, 3600}[i] + jitter*float64(1+i), Detect: -1, Decide: -1, Ready: -1, Recover: -1})
		}
	}
	return plan, runs
}

func simulatedCourse(name, policy string, points int) *measure.Timeline {
	t := &measure.Timeline{Case: name, Policy: policy, Seed: 2, From: 300, To: 900, SLO: 250, Step: 8}
	web, db := measure.ServiceLine{Service: "web", Demand: []float64{3, 5, 5, 3}}, measure.ServiceLine{Service: "db", Demand: []float64{1, 1, 1, 1}}
	for i := range points {
		t.Load, t.P50, t.P95 = append(t.Load, float64(100+i%7)), append(t.P50, float64(i%9)), append(t.P95, float64(i%9*40))
		t.Violated = append(t.Violated, i%11 == 0)
		web.Want, web.Ready, web.Queue = append(web.Want, 3+i%40/20), append(web.Ready, 3), append(web.Queue, i*i)
		db.Want, db.Ready, db.Queue = append(db.Want, 1), append(db.Ready, 1), append(db.Queue, 0)
	}
	t.Services = []measure.ServiceLine{web, db}
	t.Actions = []measure.TimelineEvent{{At: 310, Service: "web", From: 3, To: 4}, {At: 400, Service: "web", From: 4, To: 3}, {At: 420, Service: "web", From: 3, To: 3, Vertical: true}, {At: -20, Service: "web", From: 2, To: 3}}
	t.Why = []measure.Reason{{At: 310, Service: "web", Text: "acted: web 3 -> 4"}}
	return t
}

func simulationPageOf(t *testing.T, s *Simulation) string {
	t.Helper()
	var b bytes.Buffer
	if err := SimulationHTML(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What the reference loses stands first, in words, with the differences by hand: in
// crowd 100 + s against 60 + 2 s is 40 - s, mean 38; in calm 18000 + s against
// 10800 + 2 s is 7200 - s, so 2.0 h.
func TestSimulationSaysWhereTheReferenceLoses(t *testing.T) {
	plan, runs := simulatedRuns()
	s := measure.Summarise(plan, runs, "scale")
	losses := strings.Join(simulationLosses(s), "\n")
	for _, want := range []string{"crowd: scale misses the objective 38 [", "s longer than hpa.", "calm: scale takes 2.0 [2.0, 2.0] pod hours more than hpa, which misses it no longer."} {
		if !strings.Contains(losses, want) {
			t.Errorf("no %q in\n%s", want, losses)
		}
	}
	if strings.Contains(losses, "oracle") {
		t.Errorf("a bound is called a rival:\n%s", losses)
	}
	page := simulationPageOf(t, &Simulation{Summary: s, Cases: []SimulationCase{
		{Name: "crowd", Summary: "A crowd.", Lesson: "More web.", Courses: []*measure.Timeline{simulatedCourse("crowd", "scale", 300), simulatedCourse("crowd", "hpa", 300)},
			Why: []measure.Reason{{At: 310, Text: "acted: web 3 -> 4"}}, Audit: "audit/crowd.jsonl"},
		{Name: "calm"},
	}})
	if lost, first := strings.Index(page, "Where <bdi>scale</bdi> loses"), strings.Index(page, "<table"); lost < 0 || first < lost {
		t.Error("a table comes before where the reference loses")
	}
	for _, want := range []string{`href="audit/crowd.jsonl"`, "acted: web 3 -&gt; 4", "5:10", "it is better", "it is worse", "it is a tie", "crowd, hpa"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") {
		t.Error("the page names something to load")
	}
}

// The README's table: a row a scenario, marks at what is certain.
func TestSimulationOverview(t *testing.T) {
	plan, runs := simulatedRuns()
	var b strings.Builder
	if err := SimulationOverview(&b, measure.Summarise(plan, runs, "scale")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| scenario | scale | hpa | none | oracle |\n", "64 ± 5 ↓ · 10.0 h", "302 ± 2 ↑ · 10.0 h", "| calm | 7 · 5.0 h | 7 · 3.0 h |", "\n- crowd: scale misses"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// Courses that have little in them, or names that are hostile, draw all the same.
func TestSimulationFiguresOfExtremes(t *testing.T) {
	hostile := simulatedCourse("../<script>\u202e", "a\x00\"&'", 50)
	hostile.Services[0].Service = strings.Repeat("<b>", 100)
	many := simulatedCourse("many", "p", 20)
	for i := range 12 {
		many.Services = append(many.Services, measure.ServiceLine{Service: fmt.Sprint("s", i), Want: many.Services[0].Want, Ready: many.Services[0].Ready, Queue: many.Services[0].Queue})
		many.Actions = append(many.Actions, measure.TimelineEvent{At: float64(i), Service: fmt.Sprint("s", i), From: 1, To: 2})
	}
	day := simulatedCourse("day", "p", 300)
	day.Step, day.To = 288, 0
	long := simulatedCourse("long", "p", 30)
	long.P95[3], long.Services[0].Queue[4], long.Services[0].Want[2], long.Load[5] = 1e9, 1<<40, 1<<30, 1e12
	for name, courses := range map[string][]*measure.Timeline{
		"none": nil, "no point": {simulatedCourse("a", "p", 0)}, "one point": {simulatedCourse("a", "p", 1)}, "nothing": {{}}, "other services": {hostile, {Load: []float64{1}, P50: []float64{1}, P95: []float64{1}, Step: 1}},
		"hostile": {hostile}, "many targets": {many}, "a day": {day}, "huge": {long},
		"no answer": {{Load: make([]float64, 9), P50: make([]float64, 9), P95: make([]float64, 9), Step: 1}},
	} {
		for _, f := range SimulationTimelines(courses) {
			d := xml.NewDecoder(bytes.NewReader(drawn(t, f, "svg")))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if len(drawn(t, f, "png")) == 0 || strings.ContainsAny(f.Name, `/\<>"`) {
				t.Errorf("%s: figure %q", name, f.Name)
			}
			if !bytes.Equal(drawn(t, f, "svg"), drawn(t, f, "svg")) {
				t.Errorf("%s: drawing changes the figure", name)
			}
		}
	}
	page := simulationPageOf(t, &Simulation{Summary: &measure.Summary{Reference: "<i>", Seeds: 1, Verdicts: []measure.CaseVerdict{{Case: hostile.Case}}},
		Cases: []SimulationCase{{Name: hostile.Case, Courses: []*measure.Timeline{hostile}, Audit: "javascript:alert(1)"}}})
	for _, bad := range []string{"<script>", "<i>", "\u202e", `href="javascript:`} {
		if strings.Contains(page, bad) {
			t.Errorf("%q reached the page", bad)
		}
	}
}

// A tick a round step, whatever the range: never so many that labels touch.
func TestFewTicks(t *testing.T) {
	for _, top := range []float64{.001, .7, 1, 1.06, 2.3, 4.9, 7, 9.9, 10, 99, 702, 5200, 179970, 3e9} {
		ticks := few(top)
		if len(ticks) < 2 || len(ticks) > 6 || ticks[0].Value != 0 || ticks[len(ticks)-1].Value > top*1.001 {
			t.Errorf("%v: %v", top, ticks)
		}
	}
}
