package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

// What the labels can bias must be in the terminal's report and on the page, with the
// counts of the account: 317 of the (31 818 - 118) candidates with a reference are over
// a p99 by chance.
func TestLabelBiasIsSpelledOut(t *testing.T) {
	r, s := trackB()
	var text, page bytes.Buffer
	if err := Text(&text, r, nil, TextOptions{Width: 160}); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&page, r, nil, HTMLOptions{Figures: Figures(r, s)}); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"text": strings.Join(strings.Fields(text.String()), " "), "page": page.String()} {
		for _, want := range []string{"Candidates", "p99 rule", "Ambiguous spans", "Propagated", "Guard band", "Overlap", "Class balance", "Detection",
			"About 317 of these", "31,422", "9,182 test spans", "118 candidates cannot", "2 of the 24 faults", "expected to detect 17.2 of 24 faults: compare 18"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
	}
	r.LabelAccount = nil
	text.Reset()
	if err := Text(&text, r, nil, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "CAN BIAS") {
		t.Error("labels that do not follow from faults have no such section")
	}
}

func TestShortFaultKeepsTheTime(t *testing.T) {
	for name, want := range map[string]string{
		"network_delay ts-verification-code-service 2023-01-30T12:29:29Z": "network_delay ts-verification-… 12:29:29",
		"cpu_consumed b 2023-01-30T12:29:29Z":                             "cpu_consumed b 12:29:29",
		"no time":                                                         "no time",
		"":                                                                "",
	} {
		if got := shortFault(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestBoardDelays(t *testing.T) {
	nan := eval.Number(math.NaN())
	b := sampleBoard()
	for i := range b.Rows[:3] {
		b.Rows[i].PerFault = []eval.FaultDelay{
			{Name: "network_delay a", Candidates: 1234, Positives: 9, Detected: 1, DelayS: 7.25},
			{Name: "cpu_consumed b", Candidates: 5, Detected: .5, DelayS: 61},
			{Name: "cpu_consumed c", Candidates: 5, Detected: 0, DelayS: nan},
		}
	}
	b.Labels = map[string]eval.LabelAccount{"nezha:tt": {Faults: 3, Candidates: 7, MinReference: 100}}
	var text, page bytes.Buffer
	if err := BoardText(&text, b, TextOptions{Width: 160}); err != nil {
		t.Fatal(err)
	}
	if err := BoardHTML(&page, b, BoardPage{}); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"text": text.String(), "page": page.String()} {
		for _, want := range []string{"network_delay a", "1,234", "7.2 s", "61.0 s 50.0%", "none", "p99 rule"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		if strings.Count(out, "p99 rule") != 1 {
			t.Errorf("%s: the account belongs to the dataset with faults alone", name)
		}
	}
}
