package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
)

func benchProcessorCommand() *cli.Command {
	return &cli.Command{
		Name:  "processor",
		Usage: "time rules over queued traces, as the paper's tables III and IV",
		Description: `Traces of three shapes are put into a queue, then taken out through trace assembly,
statistics, rules, blame and ticks, on one core. Queue is the memory of the spans
that wait, pipeline what is held when all are through.

Of the paper's tables only the range of the rate over all rows is known here, no
row and no memory of its own. It is from another machine and other code: an order
of magnitude, not a ratio.`,
		Flags: []cli.Flag{
			outputFlag(),
			&cli.IntSliceFlag{Name: "traces", Value: cli.NewIntSlice(2000, 20000), Usage: "`TRACES` in the queue (repeatable)"},
			&cli.IntFlag{Name: "rules", Value: 100, Usage: "`RULES`, spread over the services"},
			&cli.IntFlag{Name: "passes", Value: 3, Usage: "`PASSES` a row, of which the fastest counts"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the durations"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := noArgsWantJSON(c)
			if err != nil {
				return err
			}
			return benchProcessor(c, asJSON)
		},
	}
}

// paperProcessorRate is the range of spans a second over the rows of the SCALE
// paper's tables III and IV.
var paperProcessorRate = [2]float64{35_000, 86_000}

// processorRow is one row of bench processor.
type processorRow struct {
	Shape         string  `json:"shape"`
	Traces        int     `json:"traces"`
	Spans         int     `json:"spans"`
	QueueBytes    int64   `json:"queue_bytes"` // names and attributes are shared, not counted
	NS            int64   `json:"ns"`          // to empty the queue
	SpansPerS     float64 `json:"spans_per_s"`
	PipelineBytes int64   `json:"pipeline_bytes"` // what the pipeline holds after
}

// processorBench is the JSON form.
type processorBench struct {
	CPUs           int            `json:"cpus"`
	Arch           string         `json:"arch"`
	Go             string         `json:"go"`
	Rules          int            `json:"rules"`
	Seed           uint64         `json:"seed"`
	Rows           []processorRow `json:"rows"`
	PaperSpansPerS [2]float64     `json:"paper_spans_per_s"`
}

func benchProcessor(c *cli.Context, asJSON bool) error {
	b := processorBench{runtime.NumCPU(), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version(), c.Int("rules"), c.Uint64("seed"), nil, paperProcessorRate}
	if b.Rules < 1 || b.Rules > 10_000 || c.Int("passes") < 1 {
		return usagef("want 1 to 10 000 rules and at least one pass")
	}
	for _, shape := range processorShapes {
		for _, n := range c.IntSlice("traces") {
			if n < 1 || n > 1_000_000 {
				return usagef("--traces %d: want 1 to 1 000 000", n)
			}
			row, err := timeProcessor(c.Context, shape, n, b.Rules, c.Int("passes"), b.Seed)
			if err != nil {
				return err
			}
			b.Rows = append(b.Rows, row)
		}
	}
	if asJSON {
		return printJSON(c.App.Writer, b)
	}
	return b.print(c.App.Writer)
}

func (b processorBench) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "traces of\ttraces\tspans\tqueue, MB\ttime, ms\tspans/s\tpipeline, MB\tpaper*, spans/s\t")
	for _, r := range b.Rows {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%.1f\t%.1f\t%.0f\t%.1f\t%.0f-%.0f\t\n", r.Shape, r.Traces, r.Spans, float64(r.QueueBytes)/1e6,
			float64(r.NS)/1e6, r.SpansPerS, float64(r.PipelineBytes)/1e6, b.PaperSpansPerS[0], b.PaperSpansPerS[1])
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d rules, seed %d, one core of %d, %s, %s\n* the range over all rows of the paper's tables III and IV, on another machine; its rows and memory are not known here\n", b.Rules, b.Seed, b.CPUs, b.Arch, b.Go)
	return err
}

// timeProcessor is one row: the fastest of some passes.
func timeProcessor(ctx context.Context, shape processorShape, traces, rules, passes int, seed uint64) (processorRow, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	before := heapBytes()
	queue := shape.queue(traces, rand.New(rand.NewPCG(seed, 0)))
	row := processorRow{Shape: shape.name, Traces: traces, Spans: len(queue), QueueBytes: heapBytes() - before}
	for i := range passes {
		before = heapBytes()
		p, err := live.New(live.Options{Rules: shape.rules(rules), Orchestrator: live.NewLedger(nil, live.State{Replicas: 1})})
		if err != nil {
			return row, err
		}
		start := time.Now()
		if err := drain(ctx, p, queue); err != nil {
			return row, err
		}
		if ns := int64(time.Since(start)); i == 0 || ns < row.NS {
			row.NS = ns
		}
		row.PipelineBytes = heapBytes() - before
		runtime.KeepAlive(p)
	}
	runtime.KeepAlive(queue)
	row.SpansPerS = float64(row.Spans) / (float64(row.NS) / 1e9)
	return row, nil
}

// drain takes the queue through the pipeline, with a tick every 15 s of the spans'
// own time.
func drain(ctx context.Context, p *live.Pipeline, queue []live.Span) error {
	const tick = int64(15 * time.Second)
	next := int64(0)
	for i := range queue {
		if _, err := p.Span(&queue[i]); err != nil {
			return err
		}
		if end := queue[i].End(); end >= next {
			if _, err := p.Tick(ctx, end); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			next = end + tick
		}
	}
	_, err := p.Tick(ctx, next)
	return err
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// processorShape is a tree of spans, of the size of those of its name: each names a service and its parent's index.
type processorShape struct {
	name  string
	spans []shapeSpan
}

type shapeSpan struct {
	service, operation string
	parent             int // below the span's own index; -1: the root
}

var processorShapes = []processorShape{
	{"otelgen microservices", fanOut("service", 17, 102)}, // what a capture of otelgen v0.5.2 has
	{"single span", fanOut("service", 1, 1)},
	{"boutique checkout", boutiqueCheckout()},
}

// fanOut is n spans over some services, each with up to four children, as wide and
// as many as otelgen's microservices scenario.
func fanOut(prefix string, services, n int) []shapeSpan {
	out := []shapeSpan{{prefix + "-00", "/", -1}}
	for i := 1; i < n; i++ {
		out = append(out, shapeSpan{fmt.Sprintf("%s-%02d", prefix, i%services), fmt.Sprintf("/operation/%d", i%7), (i - 1) / 4})
	}
	return out
}

// boutiqueCheckout is a checkout of Online Boutique: the frontend, and the 19 calls
// that it leads to.
func boutiqueCheckout() []shapeSpan {
	out := []shapeSpan{{"frontend", "POST /cart/checkout", -1}, {"checkout", "PlaceOrder", 0}}
	for _, call := range []struct {
		service, operation string
		n                  int
	}{{"cart", "GetCart", 1}, {"catalog", "GetProduct", 4}, {"currency", "Convert", 8}, {"shipping", "GetQuote", 1},
		{"payment", "Charge", 1}, {"shipping", "ShipOrder", 1}, {"cart", "EmptyCart", 1}, {"email", "Send", 1}} {
		for range call.n {
			out = append(out, shapeSpan{call.service, call.operation, 1})
		}
	}
	return out
}

// rules are spread over the services in turn.
func (p processorShape) rules(n int) live.RuleSet {
	set := live.RuleSet{Settings: live.DefaultSettings()}
	for i := range n {
		service, err := live.ParsePattern(p.spans[i%len(p.spans)].service)
		if err != nil {
			panic(err) // a plain name is a pattern
		}
		set.Rules = append(set.Rules, live.RuleSpec{
			Name: fmt.Sprint("rule-", i), Match: live.Match{Service: service},
			When: live.Condition{Latency: 400*time.Millisecond + time.Duration(i)*time.Millisecond, Times: 50, Window: time.Minute},
			Then: live.Response{Horizontal: &live.HorizontalResponse{Amount: live.Amount{Mode: live.Step, Value: 1}}},
		})
	}
	return set
}

// queue is n traces, a millisecond apart, children before their parents. Two in a
// hundred spans are slow.
func (p processorShape) queue(n int, rng *rand.Rand) []live.Span {
	out := make([]live.Span, 0, n*len(p.spans))
	for t := range n {
		end := int64(t+1) * int64(time.Millisecond)
		for i := len(p.spans) - 1; i >= 0; i-- {
			s := live.Span{SpanKind: live.KindServer}
			s.TraceID, s.ID = trace.TraceID{Lo: uint64(t + 1)}, trace.SpanID(i+1)
			if p.spans[i].parent >= 0 {
				s.ParentID = trace.SpanID(p.spans[i].parent + 1)
			}
			s.Service, s.Operation = p.spans[i].service, p.spans[i].operation
			s.Duration = int64(rng.ExpFloat64() * 10e6)
			if rng.IntN(50) == 0 {
				s.Duration += 500e6
			}
			s.Start = end - s.Duration
			out = append(out, s)
		}
	}
	return out
}
