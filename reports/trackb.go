package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/eval"
)

// bias is one thing that labels made of faults and observed durations can distort.
type bias struct {
	Name, Text string
}

// biases spell out what the labels can bias and in which direction, with the counts.
// The share of positives and the spread over faults are left out when r is nil, as for
// a comparison, whose table has them.
func biases(a *eval.LabelAccount, r *eval.Result) []bias {
	if a == nil {
		return nil
	}
	out := []bias{
		{"Candidates", fmt.Sprintf("A span is a candidate when it ended in a fault's window (180 s) and the fault can show in it: a network delay in the callers' spans, a CPU fault in own and callers' spans. %s of the %s spans that ended in windows are candidates. What a fault slows by other ways counts as normal: a sampler that sees it gets false positives.",
			count(a.Candidates), count(a.Window))},
		{"p99 rule", fmt.Sprintf("A candidate is positive when its duration exceeds the fault-free p99 of its own call: %s (%s of the candidates). About %s of these would be positive without any fault, because 1 %% of the spans exceed a p99. The rule leans on the observed duration: it flatters samplers of durations, and per-call ones most; recall is over spans already known to be slow. The p99 is of the whole dataset, test part included.",
			count(a.Positives), percent(share(a.Positives, float64(a.Candidates))), count((a.Candidates-a.NoReference+50)/100))},
		{"Ambiguous spans", fmt.Sprintf("Candidates at or below their p99 count as normal (%s), as do %s test spans of other services in the windows: if the fault slowed them, keeping them is a false positive that is none. The false-positive rate over fault-free time has neither. %s candidates cannot be positive because their call has fewer than %d fault-free spans.",
			count(a.Candidates-a.Positives), count(a.WindowNormal), count(a.NoReference), a.MinReference)},
		{"Propagated", fmt.Sprintf("%s spans are left out because positive spans below them explain why they were slow; %s of them would be positive otherwise, and of %s the call's p99 is not known. Children that ran at the same time explain too much together: this leaves spans out and makes none positive. A sampler is neither rewarded nor punished for keeping callers of a slow span.",
			count(a.Propagated), count(a.Explained), count(a.Unknown))},
		{"Guard band", fmt.Sprintf("%s spans that ended from 180 s to 420 s (CPU faults: 480 s) after an injection are left out: it is not known whether the system had recovered. A sampler that goes on flagging after a fault is not punished there.",
			count(a.Guard))},
		{"Overlap", fmt.Sprintf("%d of the %d faults have a window that overlaps another's. There a span belongs to the latest fault that can show in it, so an earlier fault can lose candidates, and its detection, to a later one. %d faults are negative controls, which no duration can show.",
			a.Overlapping, a.Faults, a.Controls)},
	}
	if r == nil {
		return out
	}
	return append(out, balance(r)...)
}

// balance is what the numbers of positives mean for the measures.
func balance(r *eval.Result) (out []bias) {
	c := r.Counts
	if c.Scored > 0 {
		out = append(out, bias{"Class balance", fmt.Sprintf("%s of the %s scored test spans are positive (%s): the average precision of a coin toss, and the reason why accuracy says nothing. Average precision and F1 of days with another share do not compare.",
			count(c.Positives), count(c.Scored), percent(share(c.Positives, float64(c.Scored))))})
	}
	var positives []int64
	var sum int64
	for _, f := range r.Faults {
		if f.Candidates > 0 {
			positives = append(positives, f.Positives)
			sum += f.Positives
		}
	}
	if sum > 0 {
		slices.Sort(positives)
		n := len(positives)
		none := slices.IndexFunc(positives, func(p int64) bool { return p > 0 })
		out = append(out, bias{"Faults", fmt.Sprintf("One fault has %s of the positives of the test part, the median fault %s spans, %d of %d none: recall over spans is mostly that of the large faults. Detection counts each fault once.",
			percent(share(positives[n-1], float64(sum))), count(positives[n/2]), none, n)})
	}
	if len(r.Samplers) > 0 && r.Samplers[0].Faults != nil {
		s := r.Samplers[0].Faults
		out = append(out, bias{"Detection", fmt.Sprintf("The delay is from the injection to the end of the first flagged candidate, positive or not. Keeping spans at random at the sampler's rate in fault-free time (%s) is expected to detect %.3g of %d faults: compare %d with that.",
			percent(s.FaultFreeFPR), float64(s.ByChance), s.Detectable, s.Detected)})
	}
	return out
}

// labelBias lists the biases.
func (d *textReport) labelBias(all []bias) {
	if len(all) == 0 {
		return
	}
	d.heading("WHAT THE LABELS CAN BIAS", "they come from faults and observed durations")
	for _, b := range all {
		d.para(indent, b.Name+": "+b.Text)
	}
}

// faultSummaries is a row a sampler: how many faults it found, how soon, and how many
// chance alone would have found.
func (d *textReport) faultSummaries() {
	t := table{columns: []column{{"", left}, {"faults detected", right}, {"by chance", right}, {"median delay", right}, {"FPR fault-free", right}}}
	any := false
	for _, s := range d.r.Samplers {
		if f := s.Faults; f != nil {
			any = true
			t.add(samplerName(s), fmt.Sprintf("%d/%d", f.Detected, f.Detectable), chance(f.ByChance), seconds(f.MedianDelayS), percent(f.FaultFreeFPR))
		}
	}
	if any {
		d.b.WriteString("\n")
		t.write(&d.b, d.width, d.paint, true)
	}
}

// chance writes an expected number of faults.
func chance(n eval.Number) string {
	if !finite(n) {
		return undefined
	}
	return fmt.Sprintf("%.1f", float64(n))
}

// boardDelayColumns bounds the samplers in the terminal's table of delays; the page has
// them all.
const boardDelayColumns = 6

// boardDelays is a row a fault, a column a sampler: the delay, and in which share of
// the seeds it was detected when not in all.
func (d *textReport) boardDelays(rows []eval.BoardRow) {
	if len(rows[0].PerFault) == 0 {
		return
	}
	d.b.WriteString("\n")
	shown := rows[:min(len(rows), boardDelayColumns)]
	t := table{columns: []column{{"detection delay", left}, {"cand.", right}, {"pos.", right}}}
	for _, r := range shown {
		t.columns = append(t.columns, column{clean(r.Sampler, 12), right})
	}
	for i, f := range rows[0].PerFault {
		cells := []string{shortFault(f.Name), count(f.Candidates), count(f.Positives)}
		for _, r := range shown {
			cells = append(cells, delayOf(r.PerFault[i]))
		}
		t.add(cells...)
	}
	t.write(&d.b, d.width, d.paint, false)
	if more := len(rows) - len(shown); more > 0 {
		d.para(indent, fmt.Sprintf("%d more samplers in board.html and board.json.", more))
	}
}

// shortFault cuts the name of a fault, "type target time", so that the time of day,
// which tells faults of one target apart, stays.
func shortFault(name string) string {
	i := strings.LastIndexByte(name, ' ')
	at, err := time.Parse(time.RFC3339, name[i+1:])
	if i < 0 || err != nil {
		return clean(name, nameRunes)
	}
	return clean(name[:i], nameRunes-len(" 15:04:05")) + at.UTC().Format(" 15:04:05")
}

func delayOf(f eval.FaultDelay) string {
	if f.Detected == 0 || f.Detected == 1 {
		return seconds(f.DelayS)
	}
	return seconds(f.DelayS) + " " + percent(f.Detected)
}
