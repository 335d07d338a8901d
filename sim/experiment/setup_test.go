package experiment

import (
	"bytes"
	"context"
	"reflect"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/rulefile"
	"github.com/scale-eval/scale-eval/sim/scenario"
)

// The rules of every scenario survive a rule file, so a plan is what was played.
func TestRulesSurviveAFile(t *testing.T) {
	for _, name := range scenario.Names() {
		s, err := scenario.Load(name, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		set, err := FromScenario(s, 1).Rules(live.Sampled)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := rulefile.Write(&file, set); err != nil {
			t.Fatal(err)
		}
		again, err := rulefile.Parse(name, file.Bytes())
		if err != nil || !reflect.DeepEqual(again, set) {
			t.Errorf("%s: %v\n%+v\n%+v\n%s", name, err, set, again, file.String())
		}
	}
}

// A run hands on its model; another one begins with it. Who looks on at spans sees
// what SCALE sees, and changes nothing.
func TestASetupIsHandedOn(t *testing.T) {
	c := webCase(t)
	cal := calibrate(t, c)
	play := func(o Options, policy string) (*Measures, string) {
		p, err := PoliciesNamed(policy)
		if err != nil {
			t.Fatal(err)
		}
		var audit bytes.Buffer
		o.Audit = &audit
		m, _, err := Run(context.Background(), c, cal, p[0], 3, o)
		if err != nil {
			t.Fatal(err)
		}
		return m, audit.String()
	}
	var model []byte
	plain, why := play(Options{}, "scale")
	spans := 0
	looked, whyLooked := play(Options{Setup: Setup{Trained: func(s []byte) { model = s }}, Spans: func(*trace.Span) { spans++ }}, "scale")
	if *plain != *looked || why != whyLooked || len(model) == 0 || spans < 1000 {
		t.Errorf("%d spans, %d bytes of model\n%+v\n%+v", spans, len(model), plain, looked)
	}
	set, err := c.Rules(live.Sampled)
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Rules {
		set.Rules[i].Name = "mine"
	}
	if _, why := play(Options{Setup: Setup{Model: model, Rules: &set}}, "scale"); !bytes.Contains([]byte(why), []byte(`"rule":"mine"`)) {
		t.Errorf("the rules of a setup are not played: %s", why)
	}
	if _, _, err := Run(context.Background(), c, cal, scale(), 3, Options{Setup: Setup{Model: []byte("not a model")}}); err == nil {
		t.Error("a broken model is played")
	}
	idle, _ := play(Options{}, "none")
	shown, _ := play(Options{Spans: func(*trace.Span) {}}, "none")
	if *idle != *shown {
		t.Errorf("spans change a run:\n%+v\n%+v", idle, shown)
	}
}
