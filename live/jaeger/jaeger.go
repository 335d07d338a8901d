// Package jaeger reads training spans from the HTTP API of Jaeger's query service.
//
// The API has no way to ask for everything, so a Fetch
//
//  1. lists the services, or takes those of the query (names with commas between);
//  2. walks the time range from its end back in windows (training.Slices); in each
//     it asks for the traces of every service, and splits the window when one
//     answer has as many traces as the limit allows;
//  3. drops traces that begin outside the window, and the copies of a trace that
//     came for several of its services.
//
// Times of this API are microseconds.
package jaeger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/datasets/jaeger"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/training"
)

// Defaults of Options.
const (
	DefaultLimit  = 1000
	DefaultWindow = time.Hour
)

// Options of a Source.
type Options struct {
	// URL of the query service, e.g. http://jaeger-query:16686; a path prefix is
	// kept. Required.
	URL string
	// Client carries authorization in its Header.
	Client training.Client
	// Limit is how many traces one answer may have. Default DefaultLimit.
	Limit int
	// Window is the longest stretch of one question, 1 s or more. Default
	// DefaultWindow.
	Window time.Duration
}

// Source is a training.Source. Safe for concurrent use.
type Source struct {
	o    Options
	base *url.URL
}

var _ training.Source = (*Source)(nil)

// New makes a Source and asks the server nothing. It errs on options out of range.
func New(o Options) (*Source, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("jaeger: url %q: want http://host:port or https://host:port", o.URL)
	}
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	if o.Limit < 1 || o.Window < time.Second {
		return nil, fmt.Errorf("jaeger: limit %d, window %v: want at least 1 and 1s", o.Limit, o.Window)
	}
	return &Source{o, u}, nil
}

// String names the server.
func (s *Source) String() string {
	return "jaeger " + s.base.Scheme + "://" + s.base.Host + s.base.Path
}

// Fetch implements training.Source. Query.Text is a list of services, "" for all.
func (s *Source) Fetch(ctx context.Context, q training.Query) (*training.Batch, error) {
	services, err := s.services(ctx, q.Text)
	if err != nil {
		return nil, err
	}
	return training.Slices(ctx, q, s.o.Window, func(ctx context.Context, w training.Window) (*training.Batch, bool, error) {
		return s.window(ctx, services, w)
	})
}

func (s *Source) services(ctx context.Context, text string) ([]string, error) {
	var names []string
	if strings.TrimSpace(text) != "" {
		for name := range strings.SplitSeq(text, ",") {
			names = append(names, strings.TrimSpace(name))
		}
		return names, nil
	}
	body, err := s.o.Client.Get(ctx, s.base.JoinPath("api", "services"), "application/json")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []string `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("jaeger: /api/services did not answer as Jaeger does: %w", err)
	}
	slices.Sort(answer.Data)
	return answer.Data, nil
}

// window is the spans of the traces that began in w, once each.
func (s *Source) window(ctx context.Context, services []string, w training.Window) (b *training.Batch, cut bool, err error) {
	b = &training.Batch{}
	seen := map[trace.TraceID]bool{}
	for _, service := range services {
		spans, err := s.traces(ctx, service, w, b)
		if err != nil {
			return nil, false, err
		}
		traces := byTrace(spans)
		if cut = cut || len(traces) >= s.o.Limit; cut && w.To.Sub(w.From) > time.Second {
			return nil, true, nil
		}
		for _, t := range traces {
			if id := t[0].TraceID; !seen[id] && began(t) >= w.From.UnixNano() && began(t) < w.To.UnixNano() {
				seen[id] = true
				b.Spans = append(b.Spans, t...)
			}
		}
	}
	return b, cut, nil
}

func began(spans []trace.Span) int64 {
	start := spans[0].Start
	for i := range spans {
		start = min(start, spans[i].Start)
	}
	return start
}

// byTrace takes spans apart by trace, in the order of first sight.
func byTrace(spans []trace.Span) (out [][]trace.Span) {
	at := map[trace.TraceID]int{}
	for _, s := range spans {
		i, ok := at[s.TraceID]
		if !ok {
			i = len(out)
			at[s.TraceID], out = i, append(out, nil)
		}
		out[i] = append(out[i], s)
	}
	return out
}

func (s *Source) traces(ctx context.Context, service string, w training.Window, b *training.Batch) ([]trace.Span, error) {
	u := s.base.JoinPath("api", "traces")
	u.RawQuery = url.Values{
		"service": {service}, "limit": {strconv.Itoa(s.o.Limit)},
		"start": {strconv.FormatInt(w.From.UnixMicro(), 10)}, "end": {strconv.FormatInt(w.To.UnixMicro()-1, 10)},
	}.Encode()
	body, err := s.o.Client.Get(ctx, u, "application/json")
	if err != nil {
		return nil, err
	}
	d := jaeger.NewDecoder(bytes.NewReader(body), "/api/traces?service="+service, jaeger.Options{})
	var spans []trace.Span
	for {
		var span trace.Span
		err := d.Decode(&span)
		var row *trace.RowError
		switch {
		case errors.Is(err, io.EOF):
			return spans, nil
		case errors.As(err, &row):
			b.Bad.Add(row)
		case err != nil:
			return nil, err
		default:
			spans = append(spans, span)
		}
	}
}
