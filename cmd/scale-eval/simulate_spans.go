package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// labelled writes the spans of a run as a dataset: the fault that the scenario injects
// is their label.
type labelled struct {
	w        spanWriter
	n, bad   int64
	affected int64
	err      error // the first; nothing is written behind it
}

func newLabelled(c *cli.Context, w io.Writer, run loggedRun) (*labelled, error) {
	name := fmt.Sprintf("simulate %s, policy %s, seed %d", run.Scenario, run.Policy, run.Seed)
	out, err := newSpanWriter(w, c.App.ErrWriter, "", c.String("save-spans"), &catalog.Dataset{Ref: &catalog.Ref{Name: name}})
	return &labelled{w: out}, err
}

// add takes the span of the simulation.
func (l *labelled) add(s *trace.Span) {
	if l.err != nil {
		return
	}
	l.n++
	switch s.Label {
	case trace.Anomalous:
		l.bad++
	case trace.Propagated:
		l.affected++
	}
	l.err = l.w.Write(s)
}

func (l *labelled) close() error {
	if l.err != nil {
		return l.err
	}
	return l.w.Close()
}

// tell says what was written, and when it cannot be what was meant.
func (l *labelled) tell(c *cli.Context) {
	fmt.Fprintf(c.App.ErrWriter, "scale-eval: %d spans written to %s: %d of the fault, %d that waited for one\n", l.n, c.String("save-spans"), l.bad, l.affected)
	if l.bad == 0 {
		fmt.Fprintln(c.App.ErrWriter, "scale-eval: no span is labelled: only slow and failing calls are; load, leaks and lost pods are no fault of a call")
	}
}
