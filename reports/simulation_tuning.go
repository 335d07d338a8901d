package reports

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/sim/experiment/measure"
)

// SimulationTuningText writes tuned autoscalers as terminal tables: a table a load of
// defaults against tuned, who is ahead with equal budgets, and what was chosen. It makes
// one call to w.Write.
func SimulationTuningText(w io.Writer, t *measure.Tuning, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	d := tunedText{t: t, width: max(80, min(o.Width, 160)), paint: painter(o.Color)}
	d.para(tuningIntro(t))
	for i := range t.Held {
		d.load(&t.Held[i])
	}
	d.chosen()
	for _, n := range t.Notes {
		d.para("note: " + clean(n, 300))
	}
	_, err := w.Write(d.b.Bytes())
	return err
}

type tunedText struct {
	b     bytes.Buffer
	t     *measure.Tuning
	width int
	paint painter
}

func (d *tunedText) para(text string) {
	for _, line := range wrap(text, d.width-len(indent)) {
		d.b.WriteString(indent + line + "\n")
	}
}

func (d *tunedText) heading(text string) { d.b.WriteString("\n" + d.paint.bold(text) + "\n") }

func (d *tunedText) load(h *measure.HeldOut) {
	d.heading(loadTitle(h))
	t := table{columns: []column{{"policy", left}}}
	for _, c := range tunedColumns {
		t.columns = append(t.columns, column{c.head, right})
	}
	for i := range h.Scores {
		row := []string{clean(h.Scores[i].Policy, nameRunes)}
		for _, c := range tunedColumns {
			row = append(row, c.cell(&h.Scores[i]))
		}
		t.add(row...)
	}
	t.write(&d.b, d.width, d.paint, true)
	d.para(rivalsText(d.t, h))
	if text := lossesText(d.t, h); text != "" {
		d.para(text)
	}
}

func (d *tunedText) chosen() {
	d.heading("CHOSEN on the training seeds")
	for i := range d.t.Policies {
		d.para(chosenText(&d.t.Policies[i]))
	}
}

// tuningIntro says what was searched and for what.
func tuningIntro(t *measure.Tuning) string {
	var rounds []string
	for _, r := range t.Rungs {
		rounds = append(rounds, fmt.Sprintf("%d on %s x %s", r.Configurations, several(len(r.Cases), "scenario"), several(len(r.Seeds), "seed")))
	}
	last := t.Rungs[len(t.Rungs)-1]
	return fmt.Sprintf("%d configurations a policy: %s, from seed %d. Loss: violated seconds an hour and %g for each pod-hour an hour; the mean over %s.",
		t.Budget, strings.Join(rounds, ", "), last.Seeds[0], t.Objective.Price, several(len(last.Cases), "scenario"))
}

// several counts things.
func several(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func loadTitle(h *measure.HeldOut) string {
	return fmt.Sprintf("Load %g, %s that no choice has seen", h.Load, several(h.Seeds, "seed"))
}

// tunedColumns are the measures of a policy: by its defaults → tuned.
var tunedColumns = []struct {
	head string
	cell func(*measure.Score) string
}{
	{"loss", func(s *measure.Score) string { return before(s.Default.Loss, s.Tuned.Loss) }},
	{"change", func(s *measure.Score) string { return signed(s.Change.Diff) + arrow(&s.Change) }},
	{"violated s/h", func(s *measure.Score) string { return before(s.Default.Violated, s.Tuned.Violated) }},
	{"pods", func(s *measure.Score) string { return before(s.Default.Pods, s.Tuned.Pods) }},
}

// before is two means, by the defaults and tuned.
func before(old, now measure.Estimate) string {
	return fmt.Sprintf("%.1f → %.1f", old.Mean, now.Mean)
}

// arrow marks a difference that is certain.
func arrow(c *measure.Comparison) string {
	switch {
	case c.Better:
		return " ↓"
	case c.Worse:
		return " ↑"
	}
	return ""
}

// rivalsText says how the first policy does beside the others, all tuned.
func rivalsText(t *measure.Tuning, h *measure.HeldOut) string {
	if len(h.Rivals) == 0 {
		return "↓ certainly better, ↑ certainly worse: paired, 5 % after Holm's correction."
	}
	ref := clean(t.Policies[0].Policy, nameRunes)
	var better, worse, open []string
	for i := range h.Rivals {
		c := &h.Rivals[i]
		name := fmt.Sprintf("%s (%s)", clean(measure.Family(c.Other), nameRunes), signed(c.Diff))
		switch {
		case c.Better:
			better = append(better, name)
		case c.Worse:
			worse = append(worse, name)
		default:
			open = append(open, name)
		}
	}
	var parts []string
	for _, p := range []struct {
		words string
		names []string
	}{{ref + " LOSES to ", worse}, {ref + " beats ", better}, {"no certain difference from ", open}} {
		if len(p.names) > 0 {
			parts = append(parts, p.words+strings.Join(p.names, ", "))
		}
	}
	return "All tuned: " + strings.Join(parts, "; ") + ". Differences of losses, paired; ↓, ↑, beats and loses: certain, 5 % after Holm's correction."
}

// lossesText says in which scenarios the first policy loses to whom; "": in none.
func lossesText(t *measure.Tuning, h *measure.HeldOut) string {
	var parts []string
	for _, c := range t.Rungs[len(t.Rungs)-1].Cases {
		var names []string
		for i := range h.RivalCells {
			if r := &h.RivalCells[i]; r.Case == c && r.Worse {
				names = append(names, fmt.Sprintf("%s (%s)", clean(measure.Family(r.Other), nameRunes), signed(r.Diff)))
			}
		}
		if len(names) > 0 {
			parts = append(parts, clean(c, 60)+" to "+strings.Join(names, ", "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("By scenario, tuned %s LOSES on %s.", clean(t.Policies[0].Policy, nameRunes), strings.Join(parts, "; on "))
}

func signed(e measure.Estimate) string {
	if e.High == e.Low {
		return fmt.Sprintf("%+.1f", e.Mean)
	}
	return fmt.Sprintf("%+.1f ± %.1f", e.Mean, (e.High-e.Low)/2)
}

// chosenText is what a policy was tuned to: the knobs that are not at their defaults.
func chosenText(p *measure.TunedPolicy) string {
	defaults, tuned := &p.Trials[0], p.Tuned()
	if p.Chosen == 0 {
		return fmt.Sprintf("%s: its defaults (training loss %.1f)", clean(p.Policy, nameRunes), tuned.Loss)
	}
	var names []string
	for name, v := range tuned.Values {
		if v != defaults.Values[name] {
			names = append(names, fmt.Sprintf("%s=%s (%s)", name, v, defaults.Values[name]))
		}
	}
	slices.Sort(names)
	return fmt.Sprintf("%s: %s (training loss %.1f, defaults %.1f)", clean(p.Policy, nameRunes), strings.Join(names, " "), tuned.Loss, defaults.Loss)
}

// SimulationTuningMarkdown is all of it as Markdown: the tables a load, what was chosen,
// the fronts of the training, and a table of scenarios at the first load.
func SimulationTuningMarkdown(w io.Writer, t *measure.Tuning) error {
	var b strings.Builder
	b.WriteString(tuningIntro(t) + "\n")
	for i := range t.Held {
		h := &t.Held[i]
		fmt.Fprintf(&b, "\n### %s\n\n| policy |", loadTitle(h))
		for _, c := range tunedColumns {
			b.WriteString(" " + c.head + " |")
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(tunedColumns)) + "\n")
		for k := range h.Scores {
			fmt.Fprintf(&b, "| %s |", cellText(h.Scores[k].Policy))
			for _, c := range tunedColumns {
				b.WriteString(" " + c.cell(&h.Scores[k]) + " |")
			}
			b.WriteString("\n")
		}
		b.WriteString("\n" + rivalsText(t, h) + "\n")
		if text := lossesText(t, h); text != "" {
			b.WriteString("\n" + text + "\n")
		}
	}
	b.WriteString("\n### Chosen\n\n")
	for i := range t.Policies {
		b.WriteString("- " + chosenText(&t.Policies[i]) + "\n")
	}
	tuningFronts(&b, t)
	if len(t.Held) > 0 {
		tuningCells(&b, t, &t.Held[0])
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", clean(n, 300))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func tuningFronts(b *strings.Builder, t *measure.Tuning) {
	b.WriteString("\n### Fronts of the last round\n\nViolated seconds an hour / pods on the training seeds, of the configurations that no other of the policy beats in both.\n\n")
	for i := range t.Policies {
		p := &t.Policies[i]
		var points []string
		for _, k := range p.Front {
			points = append(points, fmt.Sprintf("%.1f / %.1f", p.Trials[k].Violated, p.Trials[k].Pods))
		}
		fmt.Fprintf(b, "- %s: %s\n", cellText(p.Policy), strings.Join(points, ", "))
	}
}

// tuningCells is a table of scenarios and policies: losses by defaults and tuned.
func tuningCells(b *strings.Builder, t *measure.Tuning, h *measure.HeldOut) {
	fmt.Fprintf(b, "\n### Scenarios at load %g\n\n| scenario |", h.Load)
	for i := range t.Policies {
		b.WriteString(" " + cellText(t.Policies[i].Policy) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(t.Policies)) + "\n")
	for _, c := range t.Rungs[len(t.Rungs)-1].Cases {
		b.WriteString("| " + cellText(c) + " |")
		for i := range h.Cells {
			if cell := &h.Cells[i]; cell.Case == c {
				fmt.Fprintf(b, " %.0f → %.0f%s |", cell.Default.Loss.Mean, cell.Tuned.Loss.Mean, arrow(&cell.Change))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\nLoss by defaults → tuned, means over seeds.\n")
}
