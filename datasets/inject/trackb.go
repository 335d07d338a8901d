package inject

import (
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// FaultCounts says what one fault did to the labels.
type FaultCounts struct {
	Fault
	Window     int64 // spans that ended in the window, whatever their label
	Candidates int64 // labelled Anomalous or Candidate
	Positives  int64 // labelled Anomalous
	Propagated int64 // labelled Propagated
	// Explained are those of Propagated that were positive until a positive span
	// below them explained their excess.
	Explained int64
	// Unknown are those of Propagated whose call has fewer than MinReference
	// fault-free samples.
	Unknown int64
	// NoReference are those of Candidates whose call has fewer than MinReference
	// fault-free samples: they cannot be positive.
	NoReference int64
	Guard       int64 // labelled Guard
}

// Control says that no span's duration can show the fault: whatever a sampler flags in
// its window is a false positive or another fault's.
func (f Fault) Control() bool {
	s := showsOf(f.Type)
	return !s.own && !s.callers && !s.unknown
}

// Overlaps says that the windows of two faults share time.
func (f Fault) Overlaps(g Fault) bool {
	return f.At < g.At+windowLen && g.At < f.At+windowLen
}

// MinReference is the number of fault-free samples of a call below which its p99
// is not trusted.
const MinReference = 100

// TrackB labels spans by a list of faults. The zero value is ready. Not safe for
// concurrent use.
type TrackB struct {
	faults []Fault
	counts []FaultCounts
}

// AddFault adds an injection of a type into a service at a time, ns since the Unix
// epoch. An unknown type is an error, and yet its window and guard band are left
// out of the score: nothing in them is known to be normal. Any other error adds
// nothing.
func (b *TrackB) AddFault(faultType, target string, at int64) error {
	f := Fault{faultType, target, at}
	if err := checkFault(f); err != nil {
		return err
	}
	b.faults = append(b.faults, f)
	if showsOf(faultType).unknown {
		return fmt.Errorf("fault type %q: want network_delay, cpu_*, return or exception; its window is left out of the score", faultType)
	}
	return nil
}

// Counts is the effect of each fault on the spans of the last Label, in order of
// time; nil before.
func (b *TrackB) Counts() []FaultCounts { return b.counts }

// Label sets Label and Kind of every span of a day, in whatever order they are.
// (TraceID, ID) must be unique: of equal ones the first is the parent. Kind is the
// name of the fault for every span in a window or guard band, whatever its label,
// and of every propagated span; fault-free spans have none.
//
// The p99 of a call is its nearest-rank order statistic: the smallest fault-free
// duration that is not exceeded by 99 % of them, number ceil(0.99 n); the median
// is number ceil(n/2).
//
// A span is propagated when its duration exceeds its call's p99 and does not
// after subtracting what the positive spans below it explain. A positive span
// explains its excess over its call's median; any other span explains the sum of
// what its children explain. The sum lets children that ran at the same time
// explain too much rather than too little, which leaves spans out of the score and
// makes none positive. A span that is no candidate, has a positive span below it
// and no known p99 is propagated too: calling it normal would be a guess. A positive span that turns out propagated is positive no
// more: the score makes neither a true nor a false positive of it. A guard span
// remains one. A propagated span outside all windows is of the latest fault of the
// positive spans below it. Where windows overlap, a span is a candidate of the latest fault
// that can show in it; else it belongs to the latest.
//
// Cost: about 1 µs and 100 bytes of working memory a span.
func (b *TrackB) Label(spans []trace.Span) error {
	if len(b.faults) == 0 {
		return fmt.Errorf("inject: no fault to label by: Track B needs the day's fault list")
	}
	l := newLabeller(spans, newTimeline(b.faults))
	l.place()
	l.reference()
	l.candidates()
	l.positives()
	l.propagate()
	b.counts = l.count()
	return nil
}
