package samplertest

import (
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Factory makes a new sampler. All that it makes have the same seed and options.
type Factory func() trace.Sampler

// Snapshotter is a sampler that can write its whole state down.
type Snapshotter interface {
	Snapshot() ([]byte, error)
}

// Options say what a sampler claims beyond the interface, and sizes. The zero value
// claims nothing.
type Options struct {
	// Restore makes a sampler of a snapshot; nil: the sampler has none. The factory
	// must then make Snapshotters.
	Restore func(snapshot []byte) (trace.Sampler, error)

	// DurationOnly claims that, for spans which differ in duration only, the score
	// never falls as the duration grows.
	DurationOnly bool

	// AllocFree claims that Sample does not allocate once the model is trained.
	AllocFree bool

	// SampleAdvances admits that Sample advances state of its own, such as random
	// numbers or tokens: the check that Sample does not train is left out.
	SampleAdvances bool

	// Train is how many spans are learned before decisions are looked at; it must
	// be enough for the sampler to leave its warm-up. 0: 5 000.
	Train int

	// MaxBytes bounds the heap after a million operations in a table of 1 000
	// calls. 0: 64 MiB.
	MaxBytes int64
}

func (o Options) withDefaults() Options {
	if o.Train == 0 {
		o.Train = 5000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	return o
}

// check is one rule: nil, or how the sampler breaks it.
type check struct {
	name    string
	applies func(Options) bool
	run     func(Factory, Options) error
}

func always(Options) bool { return true }

var checks = []check{
	{"same seed, same result", always, sameSeed},
	{"span not modified", always, notModified},
	{"span not kept", always, notKept},
	{"label not read", always, labelNotRead},
	{"Sample does not train", func(o Options) bool { return !o.SampleAdvances }, sampleDoesNotTrain},
	{"leaves its warm-up", always, leavesWarmUp},
	{"first span", always, firstSpan},
	{"new calls", always, newCalls},
	{"any duration", always, anyDuration},
	{"learns any duration", always, learnsAnyDuration},
	{"bounded memory", always, boundedMemory},
	{"no goroutine left", always, noGoroutineLeft},
	{"monotone in duration", func(o Options) bool { return o.DurationOnly }, monotone},
	{"Sample without allocation", func(o Options) bool { return o.AllocFree }, allocFree},
	{"snapshot continues", func(o Options) bool { return o.Restore != nil }, snapshotContinues},
}

// Run runs every check that applies as a subtest of t. It takes about a second,
// most of it for the million operations.
func Run(t *testing.T, factory Factory, o Options) {
	o = o.withDefaults()
	for _, c := range checks {
		if !c.applies(o) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(factory, o); err != nil {
				t.Error(err)
			}
		})
	}
}
