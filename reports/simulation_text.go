package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// SimulationText writes a comparison of autoscalers as one terminal table a scenario,
// and what the reference beats and loses to. It makes one call to w.Write.
func SimulationText(w io.Writer, s *measure.Summary, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	d := simulationText{s: s, width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	for i, v := range s.Verdicts {
		if i > 0 {
			d.b.WriteString("\n")
		}
		d.scenario(v)
	}
	for _, n := range s.Notes {
		d.para("note: " + clean(n, 300))
	}
	_, err := w.Write(d.b.Bytes())
	return err
}

type simulationText struct {
	b     bytes.Buffer
	s     *measure.Summary
	width int
	paint painter
}

func (d *simulationText) para(text string) {
	for _, line := range wrap(text, d.width-len(indent)) {
		d.b.WriteString(indent + line + "\n")
	}
}

// simulationColumns are the measures of a table, in their order.
var simulationColumns = []struct {
	head string
	cell func(*measure.Cell) string
}{
	{"violated s", func(c *measure.Cell) string { return spread(c.ViolatedSeconds) }},
	{"of requests", func(c *measure.Cell) string { return fmt.Sprintf("%.1f %%", c.ViolatedPercent.Mean) }},
	{"p95 ms", func(c *measure.Cell) string { return fmt.Sprintf("%.0f", c.P95.Mean) }},
	{"recover s", func(c *measure.Cell) string { return when(c.Recover, c.Seeds) }},
	{"first act s", func(c *measure.Cell) string { return when(c.Decide, c.Seeds) }},
	{"pod h", func(c *measure.Cell) string { return fmt.Sprintf("%.1f", c.PodSeconds.Mean/3600) }},
	{"actions", func(c *measure.Cell) string { return fmt.Sprintf("%.1f", c.Actions.Mean) }},
	{"flaps", func(c *measure.Cell) string { return fmt.Sprintf("%.1f", c.Reversals.Mean) }},
	{"precision", func(c *measure.Cell) string { return fmt.Sprintf("%.2f", c.Precision) }},
	{"recall", func(c *measure.Cell) string { return fmt.Sprintf("%.2f", c.Recall) }},
}

// spread is a mean and half its interval.
func spread(e measure.Estimate) string {
	if e.High == e.Low {
		return fmt.Sprintf("%.0f", e.Mean)
	}
	return fmt.Sprintf("%.0f ± %.0f", e.Mean, (e.High-e.Low)/2)
}

// when is a median time, and in how many seeds if not in all.
func when(t measure.Times, seeds int) string {
	switch {
	case t.Seeds == 0:
		return "never"
	case t.Seeds < seeds:
		return fmt.Sprintf("%.0f (%d/%d)", t.Median, t.Seeds, seeds)
	}
	return fmt.Sprintf("%.0f", t.Median)
}

func (d *simulationText) scenario(v measure.CaseVerdict) {
	d.b.WriteString(d.paint.bold(clean(v.Case, 60)) + fmt.Sprintf("  %d seeds\n", d.s.Seeds))
	t := table{columns: []column{{"policy", left}}}
	for _, c := range simulationColumns {
		t.columns = append(t.columns, column{c.head, right})
	}
	for i := range d.s.Cells {
		c := &d.s.Cells[i]
		if c.Case != v.Case {
			continue
		}
		row := []string{clean(c.Policy, nameRunes)}
		for _, col := range simulationColumns {
			row = append(row, col.cell(c))
		}
		t.add(row...)
	}
	t.write(&d.b, d.width, d.paint, true)
	d.para(verdictText(d.s, v))
}

// verdictText says whom the reference beats and to whom it loses, by violated seconds.
func verdictText(s *measure.Summary, v measure.CaseVerdict) string {
	ref := clean(s.Reference, nameRunes)
	var parts []string
	if len(v.Beats) > 0 {
		parts = append(parts, ref+" violates less than "+strings.Join(v.Beats, ", "))
	}
	if len(v.Loses) > 0 {
		parts = append(parts, ref+" LOSES to "+strings.Join(v.Loses, ", "))
	}
	if len(parts) == 0 {
		return "no difference in violated seconds is certain"
	}
	return strings.Join(parts, "; ") + " (paired differences, 5 % after Holm's correction)"
}

// SimulationMarkdown is all of it as Markdown: the overview, then a table a scenario.
func SimulationMarkdown(w io.Writer, s *measure.Summary) error {
	var b strings.Builder
	if err := SimulationOverview(&b, s); err != nil {
		return err
	}
	b.WriteString("\n")
	for _, v := range s.Verdicts {
		fmt.Fprintf(&b, "### %s\n\n| policy |", cellText(v.Case))
		for _, c := range simulationColumns {
			b.WriteString(" " + c.head + " |")
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(simulationColumns)) + "\n")
		for i := range s.Cells {
			c := &s.Cells[i]
			if c.Case != v.Case {
				continue
			}
			fmt.Fprintf(&b, "| %s |", cellText(c.Policy))
			for _, col := range simulationColumns {
				b.WriteString(" " + col.cell(c) + " |")
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "\n%s\n\n", verdictText(s, v))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// SimulationOverview is one Markdown table of all scenarios and policies, and in words
// where the reference loses.
func SimulationOverview(w io.Writer, s *measure.Summary) error {
	var b strings.Builder
	o := overviewOf(s)
	b.WriteString("| scenario |")
	for _, p := range o.Policies {
		b.WriteString(" " + cellText(p) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(o.Policies)) + "\n")
	for _, row := range o.Rows {
		b.WriteString("| " + cellText(row.Case) + " |")
		for _, c := range row.Cells {
			if c.Cell == nil {
				b.WriteString(" |")
				continue
			}
			mark := map[string]string{"better": " ↓", "worse": " ↑"}[c.ViolatedMark()]
			fmt.Fprintf(&b, " %s%s · %.1f h |", spread(c.ViolatedSeconds), mark, c.PodSeconds.Mean/3600)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\nSeconds in which the objective was missed, mean over %d seeds ± half the 95 %% interval · pod hours. ↓: certainly less than %s, ↑: certainly more (paired, 5 %% after Holm's correction).\n",
		s.Seeds, cellText(s.Reference))
	if losses := simulationLosses(s); len(losses) > 0 {
		fmt.Fprintf(&b, "\nWhere %s loses, with 95 %% intervals of the differences:\n\n", cellText(s.Reference))
		for _, l := range losses {
			b.WriteString("- " + l + "\n")
		}
	}
	for i, n := range s.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "Note: %s\n", clean(n, 300))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// SimulationRun writes the measures of one run, a line each.
func SimulationRun(w io.Writer, m *measure.Measures) error {
	at := func(s float64) string {
		if s < 0 {
			return "never"
		}
		return fmt.Sprintf("%.0f s", s)
	}
	_, err := fmt.Fprintf(w, `%s, policy %s, seed %d
  requests           %d
  violated           %.0f s, %.2f %% of requests
  latency            p50 %.1f ms, p95 %.1f ms, p99 %.1f ms
  behind the fault   noticed %s, acted %s, ready %s, recovered %s
  actions            %d, %d taken back within 300 s; upwards %d right, %d wrong
  cost               %.1f pod hours, %.1f core hours, %.1f pod hours beyond the oracle's demand
  longest queue      %d
`, clean(m.Case, 60), clean(m.Policy, nameRunes), m.Seed, m.Requests, m.ViolatedSeconds, m.ViolatedRequests, m.P50, m.P95, m.P99,
		at(m.Detect), at(m.Decide), at(m.Ready), at(m.Recover), m.Actions, m.Reversals, m.Right, m.Wrong,
		m.PodSeconds/3600, m.CoreSeconds/3600, m.OverSeconds/3600, m.PeakQueue)
	return err
}
