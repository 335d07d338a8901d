package twin

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim"
)

// Durations are the durations of spans by call, seconds.
type Durations map[string][]float64

// callName is how Durations and comparisons name a call.
func callName(service, operation string) string { return service + "::" + operation }

func (d Durations) sorted() Durations {
	for _, x := range d {
		slices.Sort(x)
	}
	return d
}

// Predict simulates until so many requests were answered, and returns the durations
// of their spans. It errs on what Topology refuses, on services that have fewer cores
// than their work needs, and when a tenth of the requests sent are not answered.
func (m *Model) Predict(w WhatIf, seed uint64, requests int) (Durations, error) {
	t, err := m.Topology(w)
	if err != nil {
		return nil, err
	}
	if err := m.overload(w); err != nil {
		return nil, err
	}
	s, err := sim.New(t, seed)
	if err != nil {
		return nil, err
	}
	d, done := Durations{}, 0
	names := map[[2]string]string{}
	s.OnSpan(0, func(sp *trace.Span) {
		key := [2]string{sp.Service, sp.Operation}
		name, ok := names[key]
		if !ok {
			name = callName(sp.Service, sp.Operation)
			names[key] = name
		}
		d[name] = append(d[name], float64(sp.Duration)/1e9)
	})
	s.OnRequest(func(sim.Outcome) {
		if done++; done >= requests {
			s.Clock().Stop()
		}
	})
	seconds := 10 * float64(requests) / (m.Report.Arrivals.PerSecond * cmp.Or(w.Load, 1))
	if err := s.Run(int64(min(seconds*1e9, sim.MaxTime))); err != nil {
		return nil, err
	}
	if done < requests {
		return nil, fmt.Errorf("%d of %d requests were answered in %.3g s: the system does not keep up", done, requests, seconds)
	}
	return d.sorted(), nil
}

// Row compares the durations of one call, seconds.
type Row struct {
	Call  string `json:"call"`
	Spans int    `json:"spans"` // observed

	P50     float64 `json:"p50_s"` // observed
	P95     float64 `json:"p95_s"`
	TwinP50 float64 `json:"twin_p50_s"`
	TwinP95 float64 `json:"twin_p95_s"`
	FitP50  float64 `json:"fitted_p50_s"` // of the recording that the twin was fitted to
	FitP95  float64 `json:"fitted_p95_s"`

	// Errors relative to what was observed.
	TwinErr   float64 `json:"twin_p50_error"`
	TwinErr95 float64 `json:"twin_p95_error"`
	FitErr    float64 `json:"fitted_p50_error"`
	FitErr95  float64 `json:"fitted_p95_error"`
}

// Compare holds predictions to observations, calls with the most spans first. fitted
// are the observations that the twin was fitted to: their quantiles are the prediction
// of somebody who expects no change. Calls that are not in all three are left out.
func Compare(twin, observed, fitted Durations) []Row {
	var rows []Row
	for _, call := range sortedKeys(observed) {
		x, y, z := observed[call], twin[call], fitted[call]
		if len(y) == 0 || len(z) == 0 {
			continue
		}
		r := Row{
			Call: call, Spans: len(x), P50: quantile(x, .5), P95: quantile(x, .95),
			TwinP50: quantile(y, .5), TwinP95: quantile(y, .95), FitP50: quantile(z, .5), FitP95: quantile(z, .95),
		}
		r.TwinErr, r.FitErr = r.TwinP50/r.P50-1, r.FitP50/r.P50-1
		r.TwinErr95, r.FitErr95 = r.TwinP95/r.P95-1, r.FitP95/r.P95-1
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.Spans, a.Spans) })
	return rows
}

// WriteComparison writes rows as text.
func WriteComparison(w io.Writer, rows []Row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "call\tspans\tp50\ttwin\terror\tno change\tp95\ttwin\terror\tno change\t")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%d\t%.3f ms\t%.3f ms\t%+.1f %%\t%+.1f %%\t%.3f ms\t%.3f ms\t%+.1f %%\t%+.1f %%\t\n", r.Call, r.Spans,
			1000*r.P50, 1000*r.TwinP50, 100*r.TwinErr, 100*r.FitErr, 1000*r.P95, 1000*r.TwinP95, 100*r.TwinErr95, 100*r.FitErr95)
	}
	return table.Flush()
}

// quantile of a sorted sample, by nearest rank; NaN without values.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)]
}
