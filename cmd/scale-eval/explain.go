package main

import (
	"container/heap"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/reports"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:  "explain",
		Usage: "say why the adaptive sampler kept a span, or why not",
		Description: `It runs as "scale-eval run" does, with the same options and the same decisions, and
explains them in the state that the sampler had when it scored the span. Without a
selection: the kept spans with the highest scores. --span, --trace and --call also
explain what was not kept; of several kinds of selection all must hold.

  scale-eval explain
  scale-eval explain --run out/run.json --trace 4bf92f3577b34da6a3ce929d0e0e4736
  scale-eval explain --dataset nezha:tt-2023-01-30 --data DIR --call ts-order-service --top 3

How to read it. Durations are compared as logarithms, so that twice as slow is the
same distance for every call. "usual" is the call's drifting location and its scale;
z is how many standard deviations the span lies above. Three pieces of evidence, in
nats (1 nat: e = 2.7 times less likely), add up to the surprise: how rare that is
in the call's own tail, how far it is outside the body of its durations, and by
what factor it is slower. Half-Space Trees over the surprise of all calls turn it to
the score; the threshold on that was chosen without labels (--keep).`,
		Flags:        explainFlags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			return explain(c)
		},
	}
}

const selectionCategory = "SELECTION"

func explainFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "span", Category: selectionCategory, Usage: "`ID` of a span, hex (repeatable)"},
		&cli.StringSliceFlag{Name: "trace", Category: selectionCategory, Usage: "`ID` of a trace, hex: its spans (repeatable)"},
		&cli.StringSliceFlag{Name: "call", Category: selectionCategory,
			Usage: "`SERVICE::OPERATION`, or SERVICE for all of its calls (repeatable)"},
		&cli.IntFlag{Name: "top", Value: 10, Category: selectionCategory, Usage: "explain the `N` with the highest scores (0: all)"},
		outputFlag(), configFlag(),
		&cli.StringFlag{Name: "run", Usage: "take dataset, protocol and sampler from the run.json `FILE` of a run; only a selection, --output and --data may be given with it"},
		&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "seed of trees and shocks"},
	}
	flags = append(flags, inputFlags("synth")...)
	flags = append(flags, callFlags()...)
	flags = append(flags, protocolFlags()...)
	return append(flags, samplerFlags()...)
}

func explain(c *cli.Context) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	sel, err := newSelection(c)
	if err != nil {
		return err
	}
	var original *runRecord
	if c.IsSet("run") {
		original, err = recordedOptions(c)
	} else {
		err = applyConfig(c)
	}
	if err != nil {
		return err
	}
	e, err := openExplained(c, sel, original)
	if err != nil {
		return err
	}
	x, err := e.explain(sel)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.App.Writer, x)
	}
	return reports.ExplanationsText(c.App.Writer, x, reports.TextOptions{
		Width: termWidth(c.App.Writer, 110), Color: isTerminal(c.App.Writer),
	})
}

// recordedOptions sets the flags to the options of --run.
func recordedOptions(c *cli.Context) (*runRecord, error) {
	for _, name := range c.LocalFlagNames() {
		if f, ok := findFlag(explainFlags(), name).(cli.CategorizableFlag); ok && f.GetCategory() == selectionCategory {
			continue
		}
		if !slices.Contains([]string{"run", "output", "o", "data"}, name) {
			return nil, usagef("--%s contradicts --run, which takes every option from the file; drop one of them", name)
		}
	}
	path := c.String("run")
	original, err := readRecord(path)
	if err != nil {
		return nil, usageError{err}
	}
	return original, original.set(c, path)
}

// openExplained opens the dataset that the flags say; original is what it must be, or
// nil.
func openExplained(c *cli.Context, sel *selection, original *runRecord) (*evaluation, error) {
	if err := checkSamplerFlags(c); err != nil {
		return nil, err
	}
	if name := c.String("sampler"); name != adaptiveSampler {
		return nil, usagef("--sampler %s: only the decisions of adaptive have an explanation; %s is one forest over all spans, which knows no call", name, name)
	}
	e, err := openEvaluation(c)
	if err != nil {
		return nil, err
	}
	if original != nil {
		e.sums = func() ([]recordedFile, error) { return checksums(e.ds) }
		record, err := newRecord(e)
		if err != nil {
			return nil, err
		}
		if err := record.sameInput(original); err != nil {
			return nil, err
		}
	}
	return e, sel.resolveCalls(e.calls)
}

// explain runs the sampler as a run does, on its own.
func (e *evaluation) explain(sel *selection) (*reports.Explanations, error) {
	entrant, err := samplerEntrant(e.c, adaptiveSampler, e.calls)
	if err != nil {
		return nil, err
	}
	w := &witness{Adaptive: entrant.Sampler.(*hst.Adaptive), sel: sel, calls: e.calls}
	entrant.Sampler = w
	if err := e.play([]eval.Entrant{entrant}, "explaining"); err != nil {
		return nil, err
	}
	x := &reports.Explanations{
		Dataset: e.ds.Name, Protocol: e.split.protocol, Learn: e.split.mode.String(), Seed: e.c.Uint64("seed"),
		Keep: e.c.String("keep"), Tested: w.tested, Kept: w.kept, Selected: w.selected, Chosen: sel.chosen(),
		Spans: w.falling(),
	}
	if sel.chosen() && w.selected == 0 {
		return nil, e.notTested(sel, w)
	}
	return x, nil
}

// notTested says why none of the selected spans was scored.
func (e *evaluation) notTested(sel *selection, w *witness) error {
	if w.trained > 0 {
		return fmt.Errorf("the spans that were asked for, %d, are all in the training part, which is learned and not scored: "+
			"give a smaller --train, or --train 0 --learn score-then-learn", w.trained)
	}
	in := 0
	for s, err := range e.source() {
		if err != nil {
			return err
		}
		if sel.has(s) {
			in++
		}
	}
	if in > 0 {
		return fmt.Errorf("the spans that were asked for, %d, last %g ms or longer, which protocol %s leaves out: raise --max_duration",
			in, e.c.Float64("max_duration"), e.split.protocol)
	}
	return fmt.Errorf("dataset %s has no such span: ids are hex, as in scores.parquet and in what explain prints without a selection", e.ds.Name)
}

// witness is the sampler of a run that has its decisions explained as they are made.
type witness struct {
	*hst.Adaptive
	sel   *selection
	calls *trace.Calls
	// Spans that came, of them those selected.
	trained, tested, kept, selected int64

	scored byScore
}

func (w *witness) Sample(s *trace.Span) trace.Decision {
	d := w.Adaptive.Sample(s)
	w.tested++
	if d.Keep {
		w.kept++
	}
	if w.sel.chosen() && w.sel.has(s) || !w.sel.chosen() && d.Keep {
		w.selected++
		w.keep(s, d)
	}
	return d
}

func (w *witness) Learn(s *trace.Span) {
	if w.tested == 0 && w.sel.chosen() && w.sel.has(s) {
		w.trained++
	}
	w.Adaptive.Learn(s)
}

// keep explains s if it has one of the highest scores so far; of equal ones the
// earlier.
func (w *witness) keep(s *trace.Span, d trace.Decision) {
	full := w.sel.top > 0 && len(w.scored) == w.sel.top
	if full && d.Score <= w.scored[0].Score {
		return
	}
	if full {
		heap.Pop(&w.scored)
	}
	heap.Push(&w.scored, numbered{explained(s, d, w.Explain(s), w.calls), w.tested})
}

// falling are the explanations by falling score.
func (w *witness) falling() []reports.ExplainedSpan {
	out := make([]reports.ExplainedSpan, len(w.scored))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = heap.Pop(&w.scored).(numbered).ExplainedSpan
	}
	return out
}

// numbered is an explained span and when it came.
type numbered struct {
	reports.ExplainedSpan
	number int64
}

// byScore is a heap with the lowest score on top, of equal ones the latest.
type byScore []numbered

func (h byScore) Len() int { return len(h) }
func (h byScore) Less(i, j int) bool {
	if h[i].Score != h[j].Score {
		return h[i].Score < h[j].Score
	}
	return h[i].number > h[j].number
}
func (h byScore) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byScore) Push(x any)   { *h = append(*h, x.(numbered)) }
func (h *byScore) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// explained copies what is reused.
func explained(s *trace.Span, d trace.Decision, e hst.Explanation, calls *trace.Calls) reports.ExplainedSpan {
	x := reports.ExplainedSpan{
		TraceID: s.TraceID.String(), SpanID: s.ID.String(), Service: strings.Clone(s.Service), Operation: strings.Clone(s.Operation),
		Call: calls.Name(s.Call), Start: s.Start, Duration: s.Duration, Label: s.Label.String(), Kind: strings.Clone(s.Kind),
		WarmUp: d.WarmUp, Kept: d.Keep, Score: d.Score, Threshold: e.Threshold, KeptFrom: int64(e.KeptFrom),
		Location: int64(e.Location), Scale: e.Scale, CallSpans: e.Spans, Explained: int64(e.Explained),
		Z: e.Z, OneIn: e.OneIn, Plateau: e.Plateau, Rarity: e.Rarity, Outside: e.Outside, Slower: e.Slower, Surprise: e.Surprise,
	}
	if s.ParentID != 0 {
		x.ParentID = s.ParentID.String()
	}
	return x
}

// selection is which spans to explain. Of each kind that was given, one must match.
type selection struct {
	spans  map[trace.SpanID]bool
	traces map[trace.TraceID]bool
	names  []string // of calls or services
	calls  map[trace.Call]bool
	top    int
}

func newSelection(c *cli.Context) (*selection, error) {
	s := &selection{spans: map[trace.SpanID]bool{}, traces: map[trace.TraceID]bool{}, calls: map[trace.Call]bool{},
		names: c.StringSlice("call"), top: c.Int("top")}
	if s.top < 0 {
		return nil, usagef("--top %d: want 0 (all) or more", s.top)
	}
	for _, text := range c.StringSlice("span") {
		id, err := strconv.ParseUint(text, 16, 64)
		if err != nil || id == 0 {
			return nil, usagef("--span %q: want 1 to 16 hex digits, not all 0", text)
		}
		s.spans[trace.SpanID(id)] = true
	}
	for _, text := range c.StringSlice("trace") {
		id, err := parseTraceID(text)
		if err != nil {
			return nil, err
		}
		s.traces[id] = true
	}
	return s, nil
}

func parseTraceID(text string) (id trace.TraceID, err error) {
	high, low := "0", text
	if n := len(text) - 16; n > 0 {
		high, low = text[:n], text[n:]
	}
	if id.Lo, err = strconv.ParseUint(low, 16, 64); err == nil {
		id.Hi, err = strconv.ParseUint(high, 16, 64)
	}
	if err != nil || id == (trace.TraceID{}) {
		return id, usagef("--trace %q: want 1 to 32 hex digits, not all 0", text)
	}
	return id, nil
}

// resolveCalls finds the calls of the names in the table of the whole dataset.
func (s *selection) resolveCalls(calls *trace.Calls) error {
	for _, name := range s.names {
		found := false
		var like []string
		for i := 1; i < calls.Len(); i++ {
			id := trace.Call(i)
			switch full := calls.Name(id); {
			case full == name || calls.Service(id) == name:
				s.calls[id], found = true, true
			case strings.Contains(strings.ToLower(full), strings.ToLower(name)) && len(like) < 5:
				like = append(like, full)
			}
		}
		if !found {
			return usagef("--call %q: none of the %d calls has this SERVICE::OPERATION or SERVICE%s", name, calls.Len()-1, suggestions(calls, like))
		}
	}
	return nil
}

// suggestions are the calls like a name, or else some services.
func suggestions(calls *trace.Calls, like []string) string {
	if len(like) > 0 {
		return "; like it are " + strings.Join(like, ", ")
	}
	var services []string
	for i := 1; i < calls.Len() && len(services) < 8; i++ {
		if name := calls.Service(trace.Call(i)); !slices.Contains(services, name) {
			services = append(services, name)
		}
	}
	return "; some of its services are " + strings.Join(services, ", ")
}

// chosen says whether spans were asked for, kept or not.
func (s *selection) chosen() bool { return len(s.spans)+len(s.traces)+len(s.names) > 0 }

func (s *selection) has(span *trace.Span) bool {
	return (len(s.spans) == 0 || s.spans[span.ID]) &&
		(len(s.traces) == 0 || s.traces[span.TraceID]) &&
		(len(s.names) == 0 || s.calls[span.Call])
}
