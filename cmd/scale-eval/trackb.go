package main

import (
	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/eval"
)

// labelAccount is the account of labels that follow from faults; nil without faults.
func labelAccount(faults []inject.FaultCounts, o *eval.Outcome) *eval.LabelAccount {
	if len(faults) == 0 {
		return nil
	}
	a := &eval.LabelAccount{Faults: len(faults), MinReference: inject.MinReference, WindowNormal: o.WindowNormal()}
	for i, f := range faults {
		if f.Control() {
			a.Controls++
		}
		for j, g := range faults {
			if i != j && f.Overlaps(g.Fault) {
				a.Overlapping++
				break
			}
		}
		a.Window += f.Window
		a.Candidates += f.Candidates
		a.Positives += f.Positives
		a.NoReference += f.NoReference
		a.Propagated += f.Propagated
		a.Explained += f.Explained
		a.Unknown += f.Unknown
		a.Guard += f.Guard
	}
	return a
}
