package reports

import (
	"strings"
	"testing"
)

// TestExplanationsText: z and the parts are made up so that the sums hold: 25 times
// the usual with a scale of 1.5 is z = ln(25)/ln(1.5) = 7.94, and 1.5 ln(25) = 4.8 nats.
func TestExplanationsText(t *testing.T) {
	kept := ExplainedSpan{TraceID: "0a", SpanID: "0b", Call: "cart::add", Start: 1_700_000_000_123_000_000, Duration: 3e9, Label: "anomalous", Kind: "shock",
		Kept: true, Score: 0.9987654, Threshold: 0.9912, KeptFrom: 80e6, Location: 100e6, Scale: 1.5, CallSpans: 12345,
		Explained: 500e6, Z: 7.94, OneIn: 45678, Rarity: 10.7, Outside: 3.7, Slower: 4.8, Surprise: 19.2}
	timeout := kept
	timeout.Plateau, timeout.Surprise, timeout.Kept, timeout.Score, timeout.Label = 0.02, 5.9, false, 0.9, ""
	guess := ExplainedSpan{Call: "new::\x1b[31mcall", WarmUp: true, Duration: 50e6, Location: 100e6, Scale: 1.5, Z: -1.7, OneIn: 1.2, Rarity: 0.18, Surprise: 0.1}
	var b strings.Builder
	if err := ExplanationsText(&b, &Explanations{Dataset: "mine", Protocol: "paper", Learn: "frozen", Seed: 7, Keep: "fpr=0.001",
		Tested: 90000, Kept: 100, Selected: 5, Chosen: true, Spans: []ExplainedSpan{kept, timeout, guess}}, TextOptions{Width: 160}); err != nil {
		t.Fatal(err)
	}
	want := `mine, protocol paper (frozen), seed 7, adaptive with --keep fpr=0.001
  100 of 90,000 tested spans were kept; 5 were asked for; here are the 3 with the highest scores (--top 0: all).

1. cart::add took 3 s: KEPT
   usual      100 ms; one in six takes over 150 ms (x 1.5); 12,345 spans of this call were learned before
   children   slow children account for 500 ms of it; the other 2.5 s are judged
   this span  25 times the usual duration; z = 7.94, in standard deviations of its logarithm
   how rare   by estimate one in 45,700 spans of the call takes longer
   surprise   19.2 nats = 10.7 rare + 3.7 outside the body + 4.8 slower
   decision   score 0.998765 >= threshold 0.991200; without slow children this call's spans are kept from 80 ms on
   where      trace 0a, span 0b, started 2023-11-14 22:13:20.123 UTC
   truth      anomalous, shock (the sampler does not see it)

2. cart::add took 3 s: not kept
`
	if got := b.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant at its beginning\n%s", got, want)
	}
	for _, want := range []string{
		"at least 2.00% of them take about as long", "19.2 nats = 10.7 rare + 3.7 outside the body + 4.8 slower, but only 5.9 where",
		"score 0.900000 < threshold", "not decided, warming up", "no span of this one was learned before", "and 0.1 because it is faster than usual",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("a control character of a name reached the terminal")
	}
}
