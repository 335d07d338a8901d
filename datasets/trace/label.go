package trace

import "fmt"

// Label is the ground truth of a span.
type Label uint8

const (
	// Unlabelled spans take part in training only.
	Unlabelled Label = iota
	// Normal is a negative.
	Normal
	// Anomalous is a positive.
	Anomalous
	// Candidate is a span that a fault could have slowed but that shows no excess
	// (Track B). A negative in the confusion matrix, counted again in the recall
	// over all candidates.
	Candidate
	// Propagated is a span that is slow only because a positive descendant is.
	// Neither a true nor a false positive: left out of the confusion matrix.
	Propagated
	// Guard is a span in the band after a fault, when it is not known whether the
	// system has recovered. Left out of the confusion matrix.
	Guard
	numLabels
)

var labelNames = [numLabels]string{"", "normal", "anomalous", "candidate", "propagated", "guard"}

// String is the name stored in files; "" for Unlabelled.
func (l Label) String() string {
	if l >= numLabels {
		return fmt.Sprintf("label(%d)", uint8(l))
	}
	return labelNames[l]
}

// Scored says whether the label takes part in the confusion matrix.
func (l Label) Scored() bool { return l == Normal || l == Anomalous || l == Candidate }

// Positive says whether a kept span of this label is a true positive.
func (l Label) Positive() bool { return l == Anomalous }

// ParseLabel is the inverse of String. It also takes the 0 and 1 of CSV files.
func ParseLabel(s string) (Label, error) {
	switch s {
	case "0":
		return Normal, nil
	case "1":
		return Anomalous, nil
	}
	for i, n := range labelNames {
		if s == n {
			return Label(i), nil
		}
	}
	return 0, fmt.Errorf("label %q: want one of normal, anomalous, candidate, propagated, guard, 0, 1 or empty", s)
}
