package twin

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Report says what a fit saw and how well it describes it.
type Report struct {
	Spans    int          `json:"spans"`
	Traces   int          `json:"traces"`
	Orphans  int          `json:"orphans"` // spans without a root above them, left out
	Arrivals Arrivals     `json:"arrivals"`
	Calls    []CallReport `json:"calls"` // in the order of first sight
	// Busy is the mean number of requests that compute at each service: what-if cores
	// below it have no steady state.
	Busy map[string]float64 `json:"busy"`
}

// CallReport is the fit of one call.
type CallReport struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Spans     int    `json:"spans"`
	Courses   int    `json:"courses"`
	// LeftOut is the share of its spans that took a course too rare to keep.
	LeftOut float64 `json:"left_out"`
	SelfP50 float64 `json:"self_p50_s"`
	SelfP95 float64 `json:"self_p95_s"`
	// Kolmogorov-Smirnov distances of the self times of all courses from a lognormal and
	// from an exponential with their moments: 0 is the same, 1 has nothing in common.
	KSLognormal   float64 `json:"ks_lognormal"`
	KSExponential float64 `json:"ks_exponential"`
	Distribution  string  `json:"distribution"` // "empirical" or "lognormal"
	// Shared is the share of the variance of the normal score of a self time that factors
	// explain which all spans of a trace share: near 1, the call is slow when others are.
	Shared float64 `json:"shared"`
}

// report fills in what is known when all is fitted.
func (m *Model) report() {
	for call, op := range m.ops {
		if op != nil {
			m.Report.addCall(m.calls, call, op)
		}
	}
	m.Report.Busy = m.busy()
}

func (r *Report) addCall(calls *trace.Calls, call int, op *operation) {
	d := &op.self.dist
	c := CallReport{
		Service: calls.Service(trace.Call(call)), Operation: calls.Operation(trace.Call(call)),
		Spans: op.spans, Courses: len(op.courses), LeftOut: float64(op.rest) / float64(op.spans),
		SelfP50: quantile(op.self.x, .5), SelfP95: quantile(op.self.x, .95),
		KSLognormal: d.ksLogn, KSExponential: d.ksExpo, Distribution: "empirical",
		Shared: op.loadings.dot(&op.loadings),
	}
	if d.lognormal {
		c.Distribution = "lognormal"
	}
	r.Calls = append(r.Calls, c)
}

// WriteTo writes the report as text, a line a call.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	out := &counting{w: w}
	a := &r.Arrivals
	fmt.Fprintf(out, "%d spans in %d traces, %d without a root\n", r.Spans, r.Traces, r.Orphans)
	fmt.Fprintf(out, "arrivals: %.4g/s over %.4g s recorded (%d breaks), gap scv %.3g, dispersion %.3g (10 gaps) %.3g (100 gaps): %s\n",
		a.PerSecond, a.Seconds, a.Breaks, a.GapSCV, a.Dispersion10, a.Dispersion100, a.Process)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "call\tspans\tcourses\tleft out\tself p50\tself p95\tKS lognormal\tKS exponential\tshared\t")
	for _, c := range r.Calls {
		fmt.Fprintf(table, "%s::%s\t%d\t%d\t%.1f %%\t%.3f ms\t%.3f ms\t%.3f\t%.3f\t%.2f\t\n",
			c.Service, c.Operation, c.Spans, c.Courses, 100*c.LeftOut, 1000*c.SelfP50, 1000*c.SelfP95, c.KSLognormal, c.KSExponential, c.Shared)
	}
	if err := table.Flush(); err != nil {
		return out.n, err
	}
	fmt.Fprintln(out, "requests that compute, on average (a what-if needs more cores than that):")
	for _, name := range sortedKeys(r.Busy) {
		fmt.Fprintf(out, "  %s %.3g\n", name, r.Busy[name])
	}
	return out.n, out.err
}

// counting counts what was written, and stops at the first error.
type counting struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counting) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.n, c.err = c.n+int64(n), err
	return n, err
}
