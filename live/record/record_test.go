package record

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/synth"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// trained is a sampler's snapshot after n spans of src.
func trained(t *testing.T, src *synth.Decoder, n int) []byte {
	calls := trace.NewCalls(live.DefaultSettings().MaxCalls, nil)
	cfg := hst.DefaultAdaptiveConfig(hst.Seed{})
	cfg.Calls = calls
	a, err := hst.NewAdaptive(cfg)
	check(t, err)
	var s trace.Span
	for range n {
		check(t, src.Decode(&s))
		s.Call = calls.Of(s.Service, s.Operation)
		a.Sample(&s)
		a.Learn(&s)
	}
	snapshot, err := a.Snapshot()
	check(t, err)
	return snapshot
}

// late is a sampler that is known after the pipeline whose calls it needs.
type late struct{ trace.Sampler }

// watched is a pipeline whose decisions are written down beside the recorder.
type watched struct {
	*live.Pipeline
	made []made
}

type made struct {
	trace    trace.TraceID
	id       trace.SpanID
	decision trace.Decision
}

func (w *watched) Span(s *live.Span) (trace.Decision, error) {
	d, err := w.Pipeline.Span(s)
	if err == nil {
		w.made = append(w.made, made{s.TraceID, s.ID, d})
	}
	return d, err
}

// request is the next n spans of src, each under its own resource; nil at the end.
func request(t *testing.T, src *synth.Decoder, n int) []byte {
	td := &tracepb.TracesData{}
	for range n {
		var s trace.Span
		if err := src.Decode(&s); err == io.EOF {
			break
		} else {
			check(t, err)
		}
		traceID, id := s.TraceID.Bytes(), s.ID.Bytes()
		p := &tracepb.Span{TraceId: traceID[:], SpanId: id[:], Name: s.Operation, StartTimeUnixNano: uint64(s.Start), EndTimeUnixNano: uint64(s.End())}
		if s.ParentID != 0 {
			parent := s.ParentID.Bytes()
			p.ParentSpanId = parent[:]
		}
		td.ResourceSpans = append(td.ResourceSpans, &tracepb.ResourceSpans{
			Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name",
				Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s.Service}}}}},
			ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{p}}},
		})
	}
	if len(td.ResourceSpans) == 0 {
		return nil
	}
	msg, err := proto.Marshal(td)
	check(t, err)
	return msg
}

// scoreRow is what the replay is held to.
type scoreRow struct {
	TraceID [16]byte `parquet:"trace_id"`
	SpanID  [8]byte  `parquet:"span_id"`
	Score   *float64 `parquet:"score,optional"`
	Keep    bool     `parquet:"keep"`
}

// TestReplayDecidesTheSame records a live run, copies and broken spans included, and
// replays the file into a sampler from the same snapshot: the decisions of live mode,
// of the score file and of the replay are one, to the last bit of each score.
func TestReplayDecidesTheSame(t *testing.T) {
	const train, rowsPerFile = 10_000, 7_000
	cfg, err := synth.Named("bookshop")
	check(t, err)
	cfg.Spans, cfg.Seed = 30_000, 3
	src, err := synth.New(cfg)
	check(t, err)
	snapshot := trained(t, src, train)

	sampler := &late{}
	p, err := live.New(live.Options{Rules: live.RuleSet{Settings: live.DefaultSettings()}, Sampler: sampler, Learn: true})
	check(t, err)
	sampler.Sampler, err = hst.RestoreAdaptive(snapshot, p.Calls(), 1<<28)
	check(t, err)
	dir := filepath.Join(t.TempDir(), "recorded")
	rec := New(Options{Create: InFolder(dir), RowsPerFile: rowsPerFile})
	judge := &watched{Pipeline: p}
	st := otlp.NewStage(otlp.Options{Judge: judge, Record: rec})
	for i := 0; ; i++ {
		msg := request(t, src, 500)
		if msg == nil {
			break
		}
		_, err := st.Export(t.Context(), msg)
		check(t, err)
		if i%10 == 0 { // a sender that did not see the answer
			_, err := st.Export(t.Context(), msg)
			check(t, err)
		}
	}
	check(t, st.Drain(context.Background()))
	check(t, rec.Close())
	c := st.Counters()
	if c.Duplicate != 2000 || c.Sampled == 0 || rec.Rows() != int64(len(judge.made)) || rec.Lost() != 0 {
		t.Fatalf("%+v; %d rows, %d decisions", c, rec.Rows(), len(judge.made))
	}

	calls := trace.NewCalls(trace.DefaultMaxCalls, nil)
	again, err := hst.RestoreAdaptive(snapshot, calls, 1<<28)
	check(t, err)
	n := 0
	for _, file := range files(t, dir, "spans-*.parquet", 3) {
		rows, err := parquet.ReadFile[scoreRow](strings.Replace(file, "spans-", "scores-", 1))
		check(t, err)
		at := 0
		for s, err := range spansOf(t, file, calls) {
			check(t, err)
			d := again.Sample(s)
			again.Learn(s)
			if want := judge.made[n]; s.TraceID != want.trace || s.ID != want.id || d != want.decision {
				t.Fatalf("span %d: replayed %v %+v, live %+v", n, s.ID, d, want)
			}
			row := rows[at]
			if row.TraceID != s.TraceID.Bytes() || row.SpanID != s.ID.Bytes() || row.Keep != d.Keep || row.Score == nil || math.Float64bits(*row.Score) != math.Float64bits(d.Score) {
				t.Fatalf("span %d: recorded %+v, replayed %+v", n, row, d)
			}
			n++
			at++
		}
		if at != len(rows) {
			t.Errorf("%s: %d spans, %d scores", file, at, len(rows))
		}
	}
	if n != len(judge.made) {
		t.Errorf("%d spans replayed, %d were judged", n, len(judge.made))
	}
}

func files(t *testing.T, dir, pattern string, want int) []string {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	check(t, err)
	if len(found) != want {
		t.Fatalf("files %q, want %d", found, want)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
	return found
}

func spansOf(t *testing.T, file string, calls *trace.Calls) trace.Source {
	f, err := os.Open(file)
	check(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	check(t, err)
	r, err := datasets.NewParquetReader(f, info.Size(), nil, file, 0, true)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return datasets.Spans(r, calls)
}

// full is a disk with room for n bytes.
type full struct{ left int }

var errFull = errors.New("no space left on device")

func (f *full) create(string) (io.WriteCloser, error) { return f, nil }
func (f *full) Close() error                          { return nil }
func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestDiskFull: the recording ends, says why, and counts what it did not write; spans
// go on.
func TestDiskFull(t *testing.T) {
	rec := New(Options{Create: (&full{left: 100}).create, RowsPerFile: 2000})
	judged := 0
	for i := range 10_000 {
		s := &live.Span{}
		s.TraceID, s.ID, s.Service, s.Operation = trace.TraceID{Lo: uint64(i + 1)}, trace.SpanID(i+1), "s", "o"
		rec.Judged(s, nil)
		judged++
	}
	if rec.Rows()+rec.Lost() != int64(judged) || rec.Lost() < 7000 || !errors.Is(rec.Err(), errFull) {
		t.Errorf("%d rows, %d lost: %v", rec.Rows(), rec.Lost(), rec.Err())
	}
	if err := rec.Close(); !errors.Is(err, errFull) {
		t.Errorf("closing: %v", err)
	}
}

func TestInFolder(t *testing.T) {
	dir := t.TempDir()
	create := InFolder(dir)
	f, err := create("a.parquet")
	check(t, err)
	if _, err := create("a.parquet"); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("twice at a time: %v", err)
	}
	check(t, f.Close())
	if _, err := create("a.parquet"); err == nil || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("again: %v", err)
	}
	rec := New(Options{Create: create})
	check(t, rec.Close()) // nothing was recorded: no files
	check(t, rec.Close())
	files(t, dir, "*", 1)
}
