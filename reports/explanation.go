package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/eval"
)

// Explanations says why spans were kept or not.
type Explanations struct {
	Dataset  string `json:"dataset"`
	Protocol string `json:"protocol"`
	Learn    string `json:"learn"` // what the sampler learned of the test part
	Seed     uint64 `json:"seed"`
	Keep     string `json:"keep"` // operating point, such as "fpr=0.001"

	Tested   int64 `json:"spans_tested"`
	Kept     int64 `json:"spans_kept"`
	Selected int64 `json:"spans_selected"` // of the tested, those that were asked for
	Chosen   bool  `json:"-"`              // spans were asked for, and not just those that were kept

	Spans []ExplainedSpan `json:"spans"` // of the selected, those with the highest scores, falling
}

// ExplainedSpan is a span and what the adaptive sampler made of it, in the state that
// it had then. The fields from Location on are those of hst.Explanation.
type ExplainedSpan struct {
	TraceID   string `json:"trace_id"`
	SpanID    string `json:"span_id"`
	ParentID  string `json:"parent_span_id,omitempty"` // "": a root
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Call      string `json:"call"`
	Start     int64  `json:"start_unix_ns"`
	Duration  int64  `json:"duration_ns"`
	Label     string `json:"label,omitempty"`
	Kind      string `json:"kind,omitempty"`

	WarmUp    bool    `json:"warm_up,omitempty"` // not decided: score and threshold mean nothing
	Kept      bool    `json:"kept"`
	Score     float64 `json:"score"`
	Threshold float64 `json:"threshold"`
	KeptFrom  int64   `json:"kept_from_ns"`

	Location  int64   `json:"location_ns"`
	Scale     float64 `json:"scale_factor"`
	CallSpans int64   `json:"call_spans_learned"`
	Explained int64   `json:"explained_by_children_ns"`
	Z         float64 `json:"z"`
	OneIn     float64 `json:"one_in"`
	Plateau   float64 `json:"plateau_share"`
	Rarity    float64 `json:"rarity_nats"`
	Outside   float64 `json:"outside_nats"`
	Slower    float64 `json:"slower_nats"`
	Surprise  float64 `json:"surprise_nats"`
}

// explanationText is a text under construction.
type explanationText struct {
	b     bytes.Buffer
	width int
	paint painter
}

// ExplanationsText writes e in words, a paragraph a span: what is usual for its call,
// how far off it is, how rare, and how that became a decision. It makes one call to
// w.Write.
func ExplanationsText(w io.Writer, e *Explanations, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	d := explanationText{width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	d.head(e)
	for i := range e.Spans {
		d.span(i+1, &e.Spans[i])
	}
	_, err := w.Write(d.b.Bytes())
	return err
}

func (d *explanationText) head(e *Explanations) {
	for _, line := range wrap(fmt.Sprintf("%s, protocol %s (%s), seed %d, adaptive with --keep %s",
		clean(e.Dataset, 60), clean(e.Protocol, nameRunes), e.Learn, e.Seed, clean(e.Keep, nameRunes)), d.width) {
		d.b.WriteString(d.paint.bold(line) + "\n")
	}
	s := fmt.Sprintf("%s of %s tested spans were kept", count(e.Kept), count(e.Tested))
	switch {
	case e.Chosen:
		s += fmt.Sprintf("; %s were asked for", count(e.Selected))
	case e.Kept == 0:
		s += ": there is nothing to explain. --span, --trace and --call also explain spans that were not kept"
	}
	if n := int64(len(e.Spans)); n < e.Selected {
		s += fmt.Sprintf("; here are the %s with the highest scores (--top 0: all)", count(n))
	}
	d.lines(indent, "", s+".")
}

// lines writes a paragraph behind a lead, which may be empty.
func (d *explanationText) lines(lead, name, s string) {
	const names = 11
	if name != "" {
		lead += fmt.Sprintf("%-*s", names, name)
	}
	for i, line := range wrap(s, d.width-len(lead)) {
		if i > 0 {
			lead = strings.Repeat(" ", len(lead))
		}
		d.b.WriteString(lead + line + "\n")
	}
}

func (d *explanationText) span(n int, s *ExplainedSpan) {
	verdict := "not kept"
	switch {
	case s.WarmUp:
		verdict = "not decided, warming up"
	case s.Kept:
		verdict = "KEPT"
	}
	title := fmt.Sprintf("%d. %s took %s: %s", n, clean(s.Call, 60), ns(s.Duration), verdict)
	d.b.WriteString("\n" + d.paint.bold(title) + "\n")
	const lead = "   "
	d.lines(lead, "usual", usual(s))
	if s.Explained > 0 {
		d.lines(lead, "children", fmt.Sprintf("slow children account for %s of it; the other %s are judged", ns(s.Explained), ns(s.Duration-s.Explained)))
	}
	d.lines(lead, "this span", aside(s))
	d.lines(lead, "how rare", rarity(s))
	d.lines(lead, "surprise", surprise(s))
	d.lines(lead, "decision", decision(s))
	d.lines(lead, "where", fmt.Sprintf("trace %s, span %s, started %s UTC", s.TraceID, s.SpanID, time.Unix(0, s.Start).UTC().Format("2006-01-02 15:04:05.000")))
	if s.Label != "" {
		truth := s.Label
		if s.Kind != "" {
			truth += ", " + clean(s.Kind, nameRunes)
		}
		d.lines(lead, "truth", truth+" (the sampler does not see it)")
	}
}

func ns(n int64) string { return nanoseconds(eval.Number(n)) }

func usual(s *ExplainedSpan) string {
	text := fmt.Sprintf("%s; one in six takes over %s (x %.3g)", ns(s.Location), nanoseconds(eval.Number(float64(s.Location)*s.Scale)), s.Scale)
	if s.CallSpans == 0 {
		return text + ": a guess from other calls, for no span of this one was learned before"
	}
	return text + fmt.Sprintf("; %s spans of this call were learned before", count(s.CallSpans))
}

// aside says how far off a span is.
func aside(s *ExplainedSpan) string {
	judged := s.Duration - s.Explained
	// The model adds a microsecond to both, so that 0 has a logarithm.
	return fmt.Sprintf("%s times the usual duration; z = %.2f, in standard deviations of its logarithm",
		rounded((float64(judged)+1000)/(float64(s.Location)+1000)), s.Z)
}

func rarity(s *ExplainedSpan) string {
	text := fmt.Sprintf("by estimate one in %s spans of the call takes longer", rounded(s.OneIn))
	if s.Plateau > 0 {
		text += fmt.Sprintf("; but at least %s of them take about as long as this one, again and again, such as a timeout does: that is ordinary for the call",
			percent(eval.Number(s.Plateau)))
	}
	return text
}

// rounded writes 45678 as "45,700" and 2.345 as "2.35".
func rounded(x float64) string {
	switch {
	case x < 999.5:
		return fmt.Sprintf("%.3g", x)
	case x < 1e15:
		unit := int64(1)
		for n := x; n >= 1000; n /= 10 {
			unit *= 10
		}
		return count((int64(x) + unit/2) / unit * unit)
	}
	return fmt.Sprintf("%.1e", x)
}

func surprise(s *ExplainedSpan) string {
	sum := s.Rarity + s.Outside + s.Slower
	text := fmt.Sprintf("%.1f nats = %.1f rare + %.1f outside the body + %.1f slower", sum, s.Rarity, s.Outside, s.Slower)
	switch {
	case s.Surprise > sum-0.05:
	case s.Z < 0:
		text += fmt.Sprintf(", and %.1f because it is faster than usual", s.Surprise)
	default:
		text += fmt.Sprintf(", but only %.1f where the call keeps coming back to", s.Surprise)
	}
	return text
}

func decision(s *ExplainedSpan) string {
	if s.WarmUp {
		return "none: the sampler has not filled its first window (--window_size), or give it a training part (--train)"
	}
	relation := ">="
	if !s.Kept {
		relation = "<"
	}
	return fmt.Sprintf("score %.6f %s threshold %.6f; without slow children this call's spans are kept from %s on", s.Score, relation, s.Threshold, ns(s.KeptFrom))
}
