package eval

import (
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Mode says what a sampler learns during the test part.
type Mode uint8

const (
	// Frozen learns nothing: the model of the training part is used.
	Frozen Mode = iota
	// LearnThenScore learns each test span before scoring it, as the paper's code
	// does; the score has then seen the span.
	LearnThenScore
	// ScoreThenLearn is prequential evaluation, test-then-train. With an empty
	// training part it starts at the first span.
	ScoreThenLearn
	numModes
)

var modeNames = [numModes]string{"frozen", "learn-then-score", "score-then-learn"}

// String is the name that ParseMode reads.
func (m Mode) String() string {
	if m >= numModes {
		return fmt.Sprintf("mode(%d)", uint8(m))
	}
	return modeNames[m]
}

// ParseMode is the inverse of String.
func ParseMode(s string) (Mode, error) {
	for i, n := range modeNames {
		if s == n {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("mode %q: want one of %q", s, modeNames)
}

// Entrant is a sampler in a run.
type Entrant struct {
	Sampler  trace.Sampler
	Name     string // unique in the run
	Describe string // one line: what the score is
	Baseline bool
	Options  map[string]string // printed with the result
	Cut      Cut
}

// Plan is one run. Sources are ranged over once each, so they may be streams.
type Plan struct {
	Train trace.Source // nil: none
	Test  trace.Source // labelled
	// Whole stands for Train and Test, both nil then: one stream whose first TrainSpans
	// train and whose rest is the test part, so that the data is decoded once.
	Whole trace.Source
	// Steady is how many spans that Test or Whole yielded last stay as they are; 0 stands
	// for 1, what every source promises. With more, a single frozen sampler that can is
	// asked of several at a time.
	Steady   int
	Entrants []Entrant // [0] is the sampler under test
	Mode     Mode
	Seed     uint64 // of the training spans that cut-offs are chosen on, where they are too many

	// Faults are the injections of a Track B dataset, Name, Type, Target and At
	// filled. A span belongs to the fault whose Name is its Kind.
	Faults []FaultResult

	// TrainSpans and TestSpans are how many spans to expect, 0 if unknown. Memory while
	// running depends on them, and of TestSpans which spans are timed.
	TrainSpans, TestSpans int64

	// KeepCalls keeps the call of each test span in the outcome, 4 bytes a span.
	KeepCalls bool

	// Arrays say where what the outcome keeps of each span lies; nil: on the heap. A
	// test part longer than TestSpans goes on on the heap.
	Arrays Arrays

	// Clock returns ns on a monotonic scale; nil measures no time. It is read once
	// a timed test span and entrant and twice more a timed span. All are timed when
	// TestSpans is at most 65536 (or unknown), else one of 16. Of several entrants each
	// reads it from a goroutine of its own. What is called loading is the wait for spans.
	Clock func() int64

	// Progress is told from time to time, and at the end, how many spans of both
	// parts are done; nil: nobody.
	Progress func(done int64)
}

func (p *Plan) check() error {
	if len(p.Entrants) == 0 {
		return fmt.Errorf("no sampler to evaluate")
	}
	if p.Test == nil && p.Whole == nil {
		return fmt.Errorf("no test part")
	}
	if p.Whole != nil && (p.Train != nil || p.Test != nil) {
		return fmt.Errorf("the whole stands for training and test part: give it or them")
	}
	if p.Mode >= numModes {
		return fmt.Errorf("mode %d: want one of %q", p.Mode, modeNames)
	}
	names := map[string]bool{}
	for i, e := range p.Entrants {
		if err := e.Cut.check(); err != nil {
			return fmt.Errorf("sampler %q: %w", e.Name, err)
		}
		switch {
		case e.Sampler == nil:
			return fmt.Errorf("sampler %q: nil", e.Name)
		case names[e.Name]:
			return fmt.Errorf("sampler %q: twice in one run: give each a name of its own", e.Name)
		case e.Cut.by == byFlagRate && i == 0:
			return fmt.Errorf("sampler %q: the sampler under test cannot take its own flag rate as cut-off", e.Name)
		case e.Cut.needsTraining() && !p.trains():
			return fmt.Errorf("sampler %q: its cut-off is chosen on the training part and there is none: "+
				"hold the first spans of the test part back as training part, or fix the cut-off", e.Name)
		}
		names[e.Name] = true
	}
	return p.checkFaults()
}

// trains says whether there is a training part.
func (p *Plan) trains() bool { return p.Train != nil || p.Whole != nil && p.TrainSpans > 0 }

func (p *Plan) checkFaults() error {
	names := map[string]bool{}
	for _, f := range p.Faults {
		if f.Name == "" || names[f.Name] {
			return fmt.Errorf("fault %q: faults need names, each its own", f.Name)
		}
		names[f.Name] = true
	}
	return nil
}
