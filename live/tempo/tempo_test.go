package tempo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/tempo"
	"github.com/scale-eval/scale-eval/live/training"
)

// server answers as the notes on Tempo in the live-mode specification say: rows in
// any order, default limits of 20 traces and 3 spans, ids without leading zeros,
// 64-bit numbers as strings, rows from outside the range, no paging.
type server struct {
	spans     map[string][]*tracepb.Span // by trace id, 32 digits
	noV2      bool
	oldSet    bool // spanSet instead of spanSets
	gone      map[string]bool
	partial   map[string]bool
	bySearch  atomic.Int64
	byID      atomic.Int64
	busy      atomic.Int64 // by id, at the same time
	mostBusy  atomic.Int64
	failAfter atomic.Int64 // searches; 0: never
	header    atomic.Pointer[http.Header]
	mu        sync.Mutex
	queries   []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := r.Header.Clone()
	s.header.Store(&h)
	switch p := r.URL.Path; {
	case p == "/prefix/api/search":
		s.search(w, r)
	case strings.HasPrefix(p, "/prefix/api/v2/traces/") && !s.noV2:
		s.trace(w, r, strings.TrimPrefix(p, "/prefix/api/v2/traces/"), true)
	case strings.HasPrefix(p, "/prefix/api/traces/"):
		s.trace(w, r, strings.TrimPrefix(p, "/prefix/api/traces/"), false)
	default:
		http.NotFound(w, r)
	}
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	n := s.bySearch.Add(1)
	if f := s.failAfter.Load(); f > 0 && n > f {
		http.Error(w, "ring is not healthy", http.StatusServiceUnavailable)
		return
	}
	number := func(name string, def int) int {
		if v, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
			return v
		}
		return def
	}
	start, end, limit, spss := number("start", 0), number("end", 0), number("limit", 20), number("spss", 3)
	if limit > 262144 || end-start > 168*3600 || end <= start {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.queries = append(s.queries, r.URL.Query().Get("q"))
	s.mu.Unlock()
	type m = map[string]any
	var rows []m
	for id, spans := range s.spans { // in the order of a map: not deterministic
		first := spans[0].StartTimeUnixNano
		// A trace that begins up to 10 s outside the range is found, too.
		if sec := int(first / 1e9); sec < start-10 || sec >= end+10 {
			continue
		}
		if len(rows) == limit {
			break
		}
		var out []m
		for _, sp := range spans[:min(len(spans), spss)] {
			out = append(out, m{"spanID": fmt.Sprintf("%x", uint64(trace.SpanIDFromBytes(sp.SpanId))), "name": sp.Name,
				"startTimeUnixNano": fmt.Sprint(sp.StartTimeUnixNano), "durationNanos": fmt.Sprint(sp.EndTimeUnixNano - sp.StartTimeUnixNano),
				"attributes": []m{{"key": "service.name", "value": m{"stringValue": "cart"}}}})
		}
		row := m{"traceID": strings.TrimLeft(id, "0"), "startTimeUnixNano": fmt.Sprint(first), "durationMs": 5}
		if set := (m{"spans": out, "matched": len(spans)}); s.oldSet {
			row["spanSet"] = set
		} else {
			row["spanSets"] = []m{set}
		}
		rows = append(rows, row)
	}
	json.NewEncoder(w).Encode(m{"traces": rows, "metrics": m{"inspectedBytes": "12345"}})
}

func (s *server) trace(w http.ResponseWriter, r *http.Request, id string, v2 bool) {
	s.byID.Add(1)
	busy := s.busy.Add(1)
	defer s.busy.Add(-1)
	for most := s.mostBusy.Load(); busy > most && !s.mostBusy.CompareAndSwap(most, busy); most = s.mostBusy.Load() {
	}
	spans := s.spans[id]
	if spans == nil || s.gone[id] || r.Header.Get("Accept") != "application/protobuf" {
		http.Error(w, "trace not found", http.StatusNotFound)
		return
	}
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "cart"}}}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		panic(err)
	}
	if v2 {
		b = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b)
		b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), []byte{8, 1})
		if s.partial[id] {
			b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), 1)
			b = protowire.AppendString(protowire.AppendTag(b, 4, protowire.BytesType), "too large")
		}
	}
	w.Write(b)
}

var epoch = time.Unix(1_700_000_000, 0)

// fill makes n traces over the 1000 s before epoch, every tenth with many spans.
func fill(n int) (*server, []trace.Span) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	s := &server{spans: map[string][]*tracepb.Span{}, gone: map[string]bool{}, partial: map[string]bool{}}
	var all []trace.Span
	for i := range n {
		tid := trace.TraceID{Lo: uint64(i) + 1} // 31 leading zeros and more
		if i%3 == 0 {
			tid.Hi = r.Uint64()
		}
		start := epoch.UnixNano() - 1 - r.Int64N(1000e9)
		count := 1 + r.IntN(5)
		if i%10 == 0 {
			count = 150
		}
		for k := range count {
			sp := trace.Span{TraceID: tid, ID: trace.SpanID(i*1000 + k + 1), Service: "cart", Operation: fmt.Sprint("op", k%7), Start: start + int64(k)*1000, Duration: int64(r.IntN(1e6))}
			all = append(all, sp)
			t, id := tid.Bytes(), sp.ID.Bytes()
			s.spans[tid.String()] = append(s.spans[tid.String()], &tracepb.Span{TraceId: t[:], SpanId: id[:], Name: sp.Operation,
				StartTimeUnixNano: uint64(sp.Start), EndTimeUnixNano: uint64(sp.End())})
		}
	}
	return s, all
}

func source(t *testing.T, h http.Handler, o tempo.Options) *tempo.Source {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.URL, o.Client.Wait = srv.URL+"/prefix", time.Millisecond
	s, err := tempo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(spans []trace.Span) []string {
	var out []string
	for _, s := range spans {
		out = append(out, fmt.Sprint(s.TraceID, s.ID, s.Service, s.Operation, s.Start, s.Duration))
	}
	slices.Sort(out)
	return out
}

var everything = training.Query{From: epoch.Add(-1000 * time.Second), To: epoch, Limit: 1 << 30}

// TestFetchesEverything: whatever one answer may hold, all spans come, once each.
func TestFetchesEverything(t *testing.T) {
	for name, tc := range map[string]struct {
		set func(*server)
		o   tempo.Options
	}{
		"defaults":          {func(*server) {}, tempo.Options{}},
		"small answers":     {func(*server) {}, tempo.Options{Limit: 25, SpansPerSet: 2, Window: 100 * time.Second}},
		"without v2":        {func(s *server) { s.noV2 = true }, tempo.Options{Limit: 50}},
		"older spanSet":     {func(s *server) { s.oldSet = true }, tempo.Options{}},
		"all of them by id": {func(*server) {}, tempo.Options{Whole: true, Concurrency: 3}},
	} {
		srv, all := fill(300)
		tc.set(srv)
		b, err := source(t, srv, tc.o).Fetch(t.Context(), everything)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := ids(b.Spans), ids(all); !slices.Equal(got, want) {
			t.Errorf("%s: %d spans, want %d", name, len(got), len(want))
		}
		if len(b.Notes) > 0 || b.Bad.Total > 0 {
			t.Errorf("%s: notes %q, %d bad", name, b.Notes, b.Bad.Total)
		}
		limit := tc.o.Concurrency
		if limit == 0 {
			limit = tempo.DefaultConcurrency
		}
		if most := srv.mostBusy.Load(); most == 0 || most > int64(limit) {
			t.Errorf("%s: %d traces were fetched at a time, want 1 to %d", name, most, limit)
		}
		if tc.o.Whole != (srv.byID.Load() >= 300) {
			t.Errorf("%s: %d traces by id", name, srv.byID.Load())
		}
	}
}

// TestStopsWhenEnough: the latest spans come first, and no more than is needed.
func TestStopsWhenEnough(t *testing.T) {
	srv, all := fill(300)
	q := everything
	q.Limit = 500
	b, err := source(t, srv, tempo.Options{Window: 50 * time.Second}).Fetch(t.Context(), q)
	if err != nil || len(b.Spans) < 500 || len(b.Spans) == len(all) {
		t.Fatalf("%d spans of %d, %v", len(b.Spans), len(all), err)
	}
	oldest := b.Spans[0].Start
	for _, s := range b.Spans {
		oldest = min(oldest, s.Start)
	}
	n := 0
	for _, s := range all {
		if s.Start >= oldest {
			n++
		}
	}
	if n != len(b.Spans) {
		t.Errorf("%d spans, but %d are as late as the oldest of them", len(b.Spans), n)
	}
}

// TestHeaders: tenant, authorization and the query as TraceQL.
func TestHeaders(t *testing.T) {
	srv, _ := fill(20)
	o := tempo.Options{Tenant: "shop", Client: training.Client{Header: http.Header{"authorization": {"Bearer t"}}}}
	q := everything
	q.Text = `{ resource.service.name = "cart" }`
	if _, err := source(t, srv, o).Fetch(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	h := *srv.header.Load()
	if h.Get("X-Scope-OrgID") != "shop" || h.Get("Authorization") != "Bearer t" {
		t.Errorf("headers %v", h)
	}
	if want := q.Text + " | select(resource.service.name, name)"; srv.queries[0] != want {
		t.Errorf("query %q, want %q", srv.queries[0], want)
	}
}

// TestLostTraces: gone between search and fetch, or too large for Tempo: the rest
// counts, and the result says so.
func TestLostTraces(t *testing.T) {
	srv, all := fill(40)
	n := 0
	for id, spans := range srv.spans {
		if len(spans) == 150 {
			if n++; n == 1 {
				srv.gone[id] = true
			} else {
				srv.partial[id] = true
			}
		}
	}
	b, err := source(t, srv, tempo.Options{}).Fetch(t.Context(), everything)
	if err != nil || len(b.Spans) != len(all)-150 {
		t.Fatalf("%d spans of %d, %v", len(b.Spans), len(all), err)
	}
	if text := strings.Join(b.Notes, "; "); !strings.Contains(text, "1 traces were found by the search and gone") || !strings.Contains(text, "3 traces are larger") {
		t.Errorf("notes %q", text)
	}
}

// TestDownMidTraining: the server fails after the first windows; there is no half
// batch, and the next attempt succeeds.
func TestDownMidTraining(t *testing.T) {
	srv, all := fill(100)
	s := source(t, srv, tempo.Options{Window: 100 * time.Second, Client: training.Client{Tries: 2}})
	srv.failAfter.Store(3)
	if b, err := s.Fetch(t.Context(), everything); err == nil || !strings.Contains(err.Error(), "503") || b != nil {
		t.Errorf("%v, %v", b, err)
	}
	srv.failAfter.Store(0)
	if b, err := s.Fetch(t.Context(), everything); err != nil || len(b.Spans) != len(all) {
		t.Errorf("after it came back: %v", err)
	}
}

// TestForeignAnswers: what is not Tempo is an error with a place, never a panic.
func TestForeignAnswers(t *testing.T) {
	for _, answer := range []string{"", "<html>", `{"traces": 3}`, `{"traces":[{"traceID":"a","startTimeUnixNano":"-1"}]}`} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
		if _, err := source(t, h, tempo.Options{}).Fetch(t.Context(), everything); err == nil || !strings.Contains(err.Error(), "/api/search") {
			t.Errorf("%q: %v", answer, err)
		}
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"traces":[{"traceID":"xyz","startTimeUnixNano":"%d","spanSets":[{"matched":1,"spans":[{"spanID":"1","durationNanos":5}]}]},
			{"traceID":"b","startTimeUnixNano":"%[1]d","spanSets":[{"matched":2,"spans":[{"spanID":"no hex"},{"spanID":"2","startTimeUnixNano":7}]}]}]}`, epoch.Add(-time.Second).UnixNano())
	})
	b, err := source(t, h, tempo.Options{}).Fetch(t.Context(), everything)
	if err != nil || len(b.Spans) != 1 || b.Bad.Total != 2 || b.Spans[0].Operation != "unknown_operation" {
		t.Errorf("%+v, %v: want one good span and two bad ones", b, err)
	}
}

// TestOptions: mistakes are found before any request.
func TestOptions(t *testing.T) {
	for _, o := range []tempo.Options{{URL: "tempo:3200"}, {URL: "http://"}, {URL: "http://t", Limit: 262145}, {URL: "http://t", Window: 169 * time.Hour},
		{URL: "http://t", Window: time.Millisecond}, {URL: "http://t", Concurrency: -1}, {URL: "http://t", SpansPerSet: -1}} {
		if _, err := tempo.New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	s, err := tempo.New(tempo.Options{URL: "https://user:secret@tempo/x"})
	if err != nil || s.String() != "tempo https://tempo/x" {
		t.Errorf("%v, %v: a log must not show credentials", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Fetch(ctx, everything); err == nil {
		t.Error("a cancelled fetch succeeded")
	}
}
