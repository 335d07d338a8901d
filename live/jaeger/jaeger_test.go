package jaeger_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/jaeger"
	"github.com/scale-eval/scale-eval/live/training"
)

type m = map[string]any

// server answers /api/services and /api/traces as Jaeger's query service does: the
// traces of one service whose spans overlap the range, the latest first, at most
// limit of them (20 when the question does not say).
type server struct {
	traces   map[trace.TraceID][]trace.Span
	services []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/jaeger/api/services":
		json.NewEncoder(w).Encode(m{"data": s.services, "total": len(s.services)})
	case "/jaeger/api/traces":
		s.search(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	number := func(name string, def int64) int64 {
		if v, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64); err == nil {
			return v
		}
		return def
	}
	from, to, limit := number("start", 0), number("end", 0), int(number("limit", 20))
	data := []m{}
	for id, spans := range s.traces {
		hit := slices.ContainsFunc(spans, func(x trace.Span) bool {
			return x.Service == r.URL.Query().Get("service") && x.Start/1000 <= to && x.End()/1000 >= from
		})
		if !hit || len(data) == limit {
			continue
		}
		processes, list := m{}, []m{}
		for _, x := range spans {
			processes["p-"+x.Service] = m{"serviceName": x.Service}
			list = append(list, m{"traceID": strings.TrimLeft(id.String(), "0"), "spanID": x.ID.String(), "operationName": x.Operation,
				"startTime": x.Start / 1000, "duration": x.Duration / 1000, "processID": "p-" + x.Service})
		}
		data = append(data, m{"traceID": id.String(), "spans": list, "processes": processes})
	}
	json.NewEncoder(w).Encode(m{"data": data})
}

var epoch = time.Unix(1_700_000_000, 0)

func fill(n int) (*server, []trace.Span) {
	r := rand.New(rand.NewPCG(7, 7))
	s := &server{traces: map[trace.TraceID][]trace.Span{}, services: []string{"cart", "db"}}
	var all []trace.Span
	for i := range n {
		id := trace.TraceID{Lo: uint64(i + 1)}
		start := epoch.UnixNano() - 2e9 - r.Int64N(500)*1e9
		for k := range 1 + r.IntN(4) {
			sp := trace.Span{TraceID: id, ID: trace.SpanID(i*10 + k + 1), Service: s.services[k%2], Operation: "op", Start: start + int64(k)*1e6, Duration: int64(1+r.IntN(900)) * 1e6}
			s.traces[id], all = append(s.traces[id], sp), append(all, sp)
		}
	}
	return s, all
}

func source(t *testing.T, h http.Handler, o jaeger.Options) *jaeger.Source {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.URL, o.Client.Wait = srv.URL+"/jaeger", time.Millisecond
	s, err := jaeger.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(spans []trace.Span) []string {
	var out []string
	for _, s := range spans {
		out = append(out, fmt.Sprint(s.TraceID, s.ID, s.Service, s.Start, s.Duration))
	}
	slices.Sort(out)
	return out
}

var everything = training.Query{From: epoch.Add(-600 * time.Second), To: epoch, Limit: 1 << 30}

// TestFetchesEverything: once each, though a trace comes for each of its services
// and overlaps windows, and whatever one answer may hold.
func TestFetchesEverything(t *testing.T) {
	for _, o := range []jaeger.Options{{}, {Limit: 20, Window: 100 * time.Second}} {
		srv, all := fill(300)
		b, err := source(t, srv, o).Fetch(t.Context(), everything)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ids(b.Spans), ids(all); !slices.Equal(got, want) || b.Bad.Total > 0 {
			t.Errorf("%+v: %d spans, want %d; %d bad", o, len(got), len(want), b.Bad.Total)
		}
	}
}

// TestServices: a list in the query is asked for, and nothing else.
func TestServices(t *testing.T) {
	srv, all := fill(50)
	b, err := source(t, srv, jaeger.Options{}).Fetch(t.Context(), training.Query{From: everything.From, To: epoch, Limit: 1e6, Text: " db "})
	want := 0
	for _, spans := range srv.traces {
		if len(spans) > 1 { // the second span is db's
			want += len(spans)
		}
	}
	if err != nil || len(b.Spans) != want || want == len(all) {
		t.Errorf("%d spans, want the %d of traces through db; %v", len(b.Spans), want, err)
	}
}

// TestForeignAnswers: errors with a place.
func TestForeignAnswers(t *testing.T) {
	for _, answer := range []string{"", "<html>", `{"data": 3}`} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
		if _, err := source(t, h, jaeger.Options{}).Fetch(t.Context(), everything); err == nil || !strings.Contains(err.Error(), "/api/services") {
			t.Errorf("%q: %v", answer, err)
		}
		if _, err := source(t, h, jaeger.Options{}).Fetch(t.Context(), training.Query{From: everything.From, To: epoch, Limit: 1, Text: "cart"}); err == nil {
			t.Errorf("%q as traces: no error", answer)
		}
	}
	for _, o := range []jaeger.Options{{URL: "x"}, {URL: "http://j", Limit: -1}, {URL: "http://j", Window: 1}} {
		if _, err := jaeger.New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
