package tempo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/live/training"
)

// Defaults of Options, and Delay, how far behind now a search should end.
const (
	DefaultLimit       = 1000
	DefaultSpansPerSet = 100
	DefaultWindow      = time.Hour
	DefaultConcurrency = 8
	Delay              = 40 * time.Second
	maxLimit           = 262_144         // some versions refuse more
	maxWindow          = 168 * time.Hour // and so here
	tenantHeader       = "X-Scope-OrgID"
)

// Options of a Source.
type Options struct {
	// URL of the API, e.g. http://tempo:3200; a path prefix is kept. Required.
	URL string
	// Client carries authorization in its Header.
	Client training.Client
	// Tenant is sent as X-Scope-OrgID; "": none.
	Tenant string
	// Limit is how many traces one search may return; a window that returns as many
	// is split. 1 to 262 144, default DefaultLimit.
	Limit int
	// SpansPerSet is how many spans of a trace a search returns; traces that match
	// more are fetched by id. Default DefaultSpansPerSet.
	SpansPerSet int
	// Window is the longest stretch of one search, 1 s to 168 h. Default
	// DefaultWindow.
	Window time.Duration
	// Concurrency is how many traces are fetched by id at a time. Default
	// DefaultConcurrency.
	Concurrency int
	// Whole fetches every trace by id: with parents, and spans that the query does
	// not match. Some 15 times slower.
	Whole bool
	// Service is as otlp.Options.ServiceAttr, for traces by id.
	Service string
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
		return nil, fmt.Errorf("tempo: url %q: want http://host:port or https://host:port", o.URL)
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&o.Limit, DefaultLimit}, {&o.SpansPerSet, DefaultSpansPerSet}, {&o.Concurrency, DefaultConcurrency}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	switch {
	case o.Limit < 1 || o.Limit > maxLimit:
		return nil, fmt.Errorf("tempo: limit %d: want 1 to %d", o.Limit, maxLimit)
	case o.SpansPerSet < 1 || o.Concurrency < 1:
		return nil, fmt.Errorf("tempo: %d spans a set, %d fetches at a time: want at least 1 of each", o.SpansPerSet, o.Concurrency)
	case o.Window < time.Second || o.Window > maxWindow:
		return nil, fmt.Errorf("tempo: window %v: want 1s to %v", o.Window, maxWindow)
	}
	header := http.Header{}
	for k, v := range o.Client.Header {
		header[k] = v
	}
	if o.Tenant != "" {
		header.Set(tenantHeader, o.Tenant)
	}
	o.Client.Header = header
	return &Source{o, u}, nil
}

// String names the server.
func (s *Source) String() string { return "tempo " + s.base.Scheme + "://" + s.base.Host + s.base.Path }

// Fetch implements training.Source. Query.Text is a TraceQL query without a
// pipeline, "" for {}.
func (s *Source) Fetch(ctx context.Context, q training.Query) (*training.Batch, error) {
	query := strings.TrimSpace(q.Text)
	if query == "" {
		query = "{}"
	}
	byID := &byID{s: s}
	b, err := training.Slices(ctx, q, s.o.Window, func(ctx context.Context, w training.Window) (*training.Batch, bool, error) {
		return s.window(ctx, query, w, byID)
	})
	if err != nil {
		return nil, err
	}
	b.Notes = append(b.Notes, byID.notes()...)
	return b, nil
}

// window searches one window; cut says that it has to be split.
func (s *Source) window(ctx context.Context, query string, w training.Window, byID *byID) (b *training.Batch, cut bool, err error) {
	found, err := s.search(ctx, query, w)
	if err != nil {
		return nil, false, err
	}
	if cut = len(found.Traces) >= s.o.Limit; cut && w.To.Sub(w.From) > time.Second {
		return nil, true, nil
	}
	b = &training.Batch{}
	fetched := make([]*training.Batch, len(found.Traces))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.o.Concurrency)
	for i := range found.Traces {
		t := &found.Traces[i]
		if start := int64(t.Start); start < w.From.UnixNano() || start >= w.To.UnixNano() {
			continue
		}
		if !s.o.Whole && t.complete() {
			t.spans(b)
			continue
		}
		group.Go(func() error {
			got, err := byID.fetch(ctx, t.TraceID)
			fetched[i] = got
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	for _, f := range fetched {
		if f != nil {
			b.Spans = append(b.Spans, f.Spans...)
			for _, e := range f.Bad.First {
				b.Bad.Add(e)
			}
		}
	}
	return b, cut, nil
}

func (s *Source) search(ctx context.Context, query string, w training.Window) (*searchAnswer, error) {
	u := s.base.JoinPath("api", "search")
	u.RawQuery = url.Values{
		"q":     {query + " | select(resource.service.name, name)"},
		"start": {strconv.FormatInt(w.From.Unix(), 10)}, "end": {strconv.FormatInt(w.To.Unix(), 10)},
		"limit": {strconv.Itoa(s.o.Limit)}, "spss": {strconv.Itoa(s.o.SpansPerSet)},
	}.Encode()
	body, err := s.o.Client.Get(ctx, u, "application/json")
	if err != nil {
		return nil, err
	}
	return readSearch(body)
}

func (s *Source) otlp() otlp.Options { return otlp.Options{ServiceAttr: s.o.Service} }
