package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/eval"
)

// TextOptions say what the terminal can show.
type TextOptions struct {
	// Width in columns. 0 means 100; other values are held to [80, 160]. Below 100
	// sampler names move to lines of their own where the columns need the room.
	Width int
	// Color adds bold, dim and yellow. Set it on a terminal only.
	Color bool
}

const (
	indent = "  "
	// textFaults bounds the fault table; the page and the JSON have them all.
	textFaults = 48
)

// textReport is one terminal report under construction.
type textReport struct {
	b     bytes.Buffer
	r     *eval.Result
	width int
	paint painter
}

// Text writes the result as compact terminal tables: the sampler first, its baselines
// below, what was deployed apart from what would have been best in hindsight. Timing
// is left out when t is nil. It makes one call to w.Write.
func Text(w io.Writer, r *eval.Result, t *eval.Timing, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	d := textReport{r: r, width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	d.header()
	d.warnings()
	d.para("", headline(r))
	if len(r.Samplers) > 0 {
		if decided(r.Samplers[0]) {
			d.deployed()
			d.counts()
		}
		d.ranking()
		d.best()
		d.curve()
	}
	d.faults()
	d.labelBias(biases(r.LabelAccount, r))
	d.timing(t)
	_, err := w.Write(d.b.Bytes())
	return err
}

func (d *textReport) header() {
	r, c := d.r, d.r.Counts
	for _, line := range wrap(fmt.Sprintf("%s, protocol %s, seed %d", clean(r.Dataset, 60), clean(r.Protocol, nameRunes), r.Seed), d.width) {
		d.b.WriteString(d.paint.bold(line) + "\n")
	}
	excluded := c.Test - c.Scored
	if c.Calls > 0 {
		d.para(indent, fmt.Sprintf("%s spans read (%s calls, %s traces in the test part): %s train, %s test, %s over max_duration, %s malformed.",
			count(c.Read), count(c.Calls), count(c.Traces), count(c.Train), count(c.Test), count(c.Filtered), count(c.Bad)))
	} else { // scores from outside: whoever made them knows of calls and training
		d.para(indent, fmt.Sprintf("%s scores read%s, %s rows malformed.", count(c.Read), ofTraces(c.Traces), count(c.Bad)))
	}
	d.para(indent, fmt.Sprintf("Of the test spans %s are positive, %s negative, %s excluded by label%s.",
		count(c.Positives), count(c.Negatives), count(excluded), labelCounts(c.ByLabel)))
	if c.Overflow > 0 {
		d.para(indent, fmt.Sprintf("%s spans had a call that did not fit the call table.", count(c.Overflow)))
	}
}

func ofTraces(n int64) string {
	if n == 0 {
		return ""
	}
	return " of spans of " + count(n) + " traces"
}

func (d *textReport) warnings() {
	for _, w := range d.r.Warnings {
		text := wrap("warning: "+clean(w, 600), d.width-2*len(indent))
		for i, line := range text {
			lead := indent
			if i > 0 {
				lead += indent
			}
			fmt.Fprintf(&d.b, "%s\n", d.paint.warn(lead+line))
		}
	}
}

func (d *textReport) heading(title, note string) {
	d.b.WriteString("\n" + d.paint.bold(title))
	if note != "" {
		d.b.WriteString(d.paint.dim("  " + note))
	}
	d.b.WriteString("\n")
}

func (d *textReport) para(lead, s string) {
	if lead == "" {
		d.b.WriteString("\n")
	}
	for _, line := range wrap(s, d.width-len(lead)) {
		d.b.WriteString(lead + line + "\n")
	}
}

func (d *textReport) deployed() {
	d.heading("AS DEPLOYED", chosen(d.r)+"; [95 % interval]")
	t := table{columns: []column{{"", left}, {"F1", left}, {"recall", left}, {"precision", left}, {"FPR", left}}}
	for _, s := range d.r.Samplers {
		m := s.Point.Metrics
		t.add(samplerName(s), unitRate(m.F1), unitRate(m.Recall), unitRate(m.Precision), percentRate(m.FPR))
	}
	t.write(&d.b, d.width, d.paint, true)
	if c := d.r.CandidateRecall; c != nil {
		d.para(indent, "Recall over all candidates in the fault windows: "+unitRate(*c)+".")
	}
	if f := d.r.FaultFreeFPR; f != nil {
		d.para(indent, "False-positive rate over fault-free time: "+percentRate(*f)+".")
	}
}

func (d *textReport) counts() {
	d.b.WriteString("\n")
	t := table{columns: []column{{"", left}, {"cut-off", right}, {"TP", right}, {"FP", right}, {"FN", right}, {"TN", right}, {"warm-up", right}}}
	for _, s := range d.r.Samplers {
		c := s.Point.Confusion
		t.add(samplerName(s), cutoff(s.Point.Threshold), count(c.TP), count(c.FP), count(c.FN), count(c.TN), count(s.WarmUp))
	}
	t.write(&d.b, d.width, d.paint, true)
}

func (d *textReport) ranking() {
	d.heading("RANKING", "over all cut-offs; recall at a false-positive rate of at most …")
	t := table{columns: []column{{"", left}, {"AP", left}, {"ROC AUC", left}}}
	fprs := d.r.Samplers[0].RecallAt
	for _, at := range fprs {
		t.columns = append(t.columns, column{level(at.FPR), right})
	}
	for _, s := range d.r.Samplers {
		cells := []string{samplerName(s), unitRate(s.AP), unitRate(s.ROCAUC)}
		for _, at := range fprs {
			cells = append(cells, unit3(recallAt(s, at.FPR).Value))
		}
		t.add(cells...)
	}
	t.write(&d.b, d.width, d.paint, true)
}

// best has no intervals: a cut-off chosen on the data it is measured on makes them
// too good.
func (d *textReport) best() {
	d.heading("BEST ON TEST", "highest F1 in hindsight: an upper bound, not a result")
	t := table{columns: []column{{"", left}, {"cut-off", right}, {"F1", right}, {"recall", right}, {"precision", right}, {"FPR", right}, {"TP", right}, {"FP", right}}}
	for _, s := range d.r.Samplers {
		m, c := s.Best.Metrics, s.Best.Confusion
		t.add(samplerName(s), cutoff(s.Best.Threshold), unit3(m.F1.Value), unit3(m.Recall.Value), unit3(m.Precision.Value),
			percent(m.FPR.Value), count(c.TP), count(c.FP))
	}
	t.write(&d.b, d.width, d.paint, true)
}

// curveFPRs are where the curve of the sampler is shown: finely where samplers are
// operated, then up to where nearly everything is kept.
var curveFPRs = []float64{.0005, .001, .002, .005, .01, .02, .03, .05, .1, .2, .5}

// curve shows what other cut-offs would have given. The page has every point.
func (d *textReport) curve() {
	s := d.r.Samplers[0]
	rows := lowFPRRows(s.Curve, d.r.Counts.Negatives)
	if len(rows) == 0 || d.r.Counts.Positives == 0 {
		return
	}
	d.heading("CURVE", "the sampler at other cut-offs; more points in report.html")
	t := table{columns: []column{{"cut-off", left}, {"F1", right}, {"recall", right}, {"precision", right}, {"FPR", right}, {"TP", right}, {"FP", right}}}
	for _, p := range rows {
		c := eval.Confusion{TP: p.TP, FP: p.FP, FN: d.r.Counts.Positives - p.TP, TN: d.r.Counts.Negatives - p.FP}
		t.add(cutoff(p.Threshold), unit3(eval.Number(c.F1())), unit3(eval.Number(c.Recall())), unit3(eval.Number(c.Precision())),
			percent(eval.Number(c.FPR())), count(c.TP), count(c.FP))
	}
	t.write(&d.b, d.width, d.paint, false)
}

// lowFPRRows are the points with the highest FPR that does not exceed each of
// curveFPRs, without repetition.
func lowFPRRows(curve []eval.CurvePoint, negatives int64) (rows []eval.CurvePoint) {
	at := -1
	for _, fpr := range curveFPRs {
		last := at
		for at+1 < len(curve) && float64(curve[at+1].FP) <= fpr*float64(negatives) {
			at++
		}
		if at > last {
			rows = append(rows, curve[at])
		}
	}
	return rows
}

func (d *textReport) faults() {
	faults := d.r.Faults
	if len(faults) == 0 {
		return
	}
	d.heading("FAULTS", detection(faults))
	d.faultSummaries()
	d.b.WriteString("\n")
	t := table{columns: []column{{"target", left}, {"type", left}, {"injected, UTC", left}, {"candidates", right}, {"positives", right}, {"flagged", right}, {"delay", right}}}
	for _, f := range faults[:min(len(faults), textFaults)] {
		t.add(clean(f.Target, nameRunes), clean(f.Type, 16), utc(f.At)[len("2006-"):], count(f.Candidates), count(f.Positives), count(f.FlaggedCands), seconds(f.DetectionDelayS))
	}
	t.write(&d.b, d.width, d.paint, false)
	if more := len(faults) - textFaults; more > 0 {
		d.para(indent, fmt.Sprintf("… and %d more in report.html and metrics.json.", more))
	}
}

func (d *textReport) timing(t *eval.Timing) {
	if t == nil {
		return
	}
	d.heading("TIME A SPAN", "depends on the machine; loading takes "+nanoseconds(t.LoadNsPerSpan)+" a span")
	tab := table{columns: []column{{"", left}, {"mean", right}, {"p50", right}, {"p99", right}}}
	for _, s := range t.Samplers {
		tab.add(clean(s.Name, nameRunes), nanoseconds(s.MeanNs), nanoseconds(s.P50Ns), nanoseconds(s.P99Ns))
	}
	tab.write(&d.b, d.width, d.paint, true)
}

// samplerName sets baselines off by an indent, which survives without colour.
func samplerName(s eval.SamplerResult) string {
	if s.Baseline {
		return "  " + clean(s.Name, nameRunes-2)
	}
	return clean(s.Name, nameRunes)
}

// recallAt finds the entry of a false-positive rate; NaN when s has none.
func recallAt(s eval.SamplerResult, fpr float64) eval.Rate {
	for _, at := range s.RecallAt {
		if at.FPR == fpr {
			return at.Recall
		}
	}
	return unknownRate
}

// utc writes a Unix time in ns as "2022-08-22 03:53:21".
func utc(ns int64) string { return time.Unix(0, ns).UTC().Format(time.DateTime) }

// labelCounts lists the test spans by label, sorted by name.
func labelCounts(by map[string]int64) string {
	if len(by) == 0 {
		return ""
	}
	parts := make([]string, 0, len(by))
	for _, name := range sortedKeys(by) {
		shown := clean(name, nameRunes)
		if name == "" {
			shown = "unlabelled"
		}
		parts = append(parts, shown+" "+count(by[name]))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// wrap breaks s at spaces into lines of at most width runes; a word longer than that
// is broken inside.
func wrap(s string, width int) []string {
	var lines []string
	line := []rune{}
	for word := range strings.FieldsSeq(s) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > width {
			lines, line = append(lines, string(line)), line[:0]
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(w) > width {
			lines, w = append(lines, string(w[:width])), w[width:]
		}
		line = append(line, w...)
	}
	return append(lines, string(line))
}
