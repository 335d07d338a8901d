package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/scale-eval/scale-eval/tuning"
)

// layBeside writes recorded.csv, this study beside the log of --recorded, and says how
// far they differ.
func (b *bench) layBeside(rows []tuning.Row) error {
	path := b.c.String("recorded")
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	recorded, err := tuning.ReadRecorded(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	beside, err := tuning.LayBeside(b.space, rows, recorded)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	e := &evaluation{c: b.c}
	if err := e.writeOut("recorded.csv", func(w io.Writer) error { return b.writeBeside(w, beside) }); err != nil {
		return err
	}
	if b.c.String("output") == "json" {
		return nil
	}
	return b.sayBeside(beside)
}

func (b *bench) writeBeside(w io.Writer, beside []tuning.Beside) error {
	out := csv.NewWriter(w)
	head := append(b.space.Names(), tuning.ThresholdParam, "recorded_recall", "recall", "recorded_fpr", "fpr", "fpr_least", "fpr_most")
	if err := out.Write(head); err != nil {
		return err
	}
	rate := func(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
	for _, r := range beside {
		least, most := r.FPRs[0], r.FPRs[0]
		for _, x := range r.FPRs {
			least, most = min(least, x), max(most, x)
		}
		row := append(append([]string{}, r.Point...), r.Threshold, rate(r.Recall), rate(r.MeanRecall), rate(r.FPR), rate(r.MeanFPR), rate(least), rate(most))
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// sayBeside prints the distributions over all combinations, and where the recorded
// rates lie among the seeds.
func (b *bench) sayBeside(beside []tuning.Beside) error {
	var theirs, ours [2][]float64
	fprIn, recallIn, quantiles := 0, 0, 0.0
	for _, r := range beside {
		theirs[0], theirs[1] = append(theirs[0], r.Recall), append(theirs[1], r.FPR)
		ours[0], ours[1] = append(ours[0], r.Recalls...), append(ours[1], r.FPRs...)
		quantiles += r.FPRQuantile / float64(len(beside))
		if r.RecordedIn {
			fprIn++
		}
		if r.RecallIsIn {
			recallIn++
		}
	}
	w := b.c.App.Writer
	fmt.Fprintf(w, "\nBESIDE %s: %d combinations, %d seeds here\n", b.c.String("recorded"), len(beside), len(beside[0].FPRs))
	for i, name := range []string{"recall", "FPR"} {
		ks := tuning.KolmogorovSmirnov(theirs[i], ours[i]) // sorts them
		fmt.Fprintf(w, "  %-7s Kolmogorov-Smirnov distance %.3f; quantiles 10/25/50/75/90 %%:\n    recorded %s\n    here     %s\n", name, ks, quantilesText(theirs[i]), quantilesText(ours[i]))
	}
	_, err := fmt.Fprintf(w, "  recorded FPR within the seeds' range for %d (%.0f %%), recall for %d (%.0f %%); mean rank of the recorded FPR among the seeds %.2f (0.50: no shift)\n  every combination is in recorded.csv\n",
		fprIn, 100*float64(fprIn)/float64(len(beside)), recallIn, 100*float64(recallIn)/float64(len(beside)), quantiles)
	return err
}

func quantilesText(sorted []float64) (text string) {
	for _, p := range []float64{.1, .25, .5, .75, .9} {
		text += fmt.Sprintf(" %6.2f%%", 100*sorted[int(p*float64(len(sorted)-1))])
	}
	return text
}
