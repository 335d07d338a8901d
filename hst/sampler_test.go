package hst

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// TestGoldenSampler runs the recorded spans through the paper's sampler: names
// and milliseconds in, River's scores out.
func TestGoldenSampler(t *testing.T) {
	dir := goldenDir(t)
	raw := map[string]json.RawMessage{}
	readGolden(t, dir, "inputs.json", &raw)
	var spans [][3]any
	if err := json.Unmarshal(raw["spans"], &spans); err != nil {
		t.Fatal(err)
	}
	var names []string
	readGolden(t, dir, "index.json", &names)
	ran := map[Encoding]bool{}
	for _, name := range names {
		for kind, encoding := range map[string]Encoding{"spans_as_printed": EncodingPaper, "spans_fixed": EncodingFixed} {
			if !strings.HasPrefix(name, kind+"_") {
				continue
			}
			ran[encoding] = true
			t.Run(name, func(t *testing.T) {
				var v vector
				readGolden(t, dir, name+".json", &v)
				v.runSampler(t, encoding, spans)
			})
		}
	}
	if !ran[EncodingPaper] || !ran[EncodingFixed] {
		t.Error("no vectors named spans_as_printed_... and spans_fixed_...")
	}
}

func (v *vector) runSampler(t *testing.T, encoding Encoding, spans [][3]any) {
	cfg := v.goldenConfig(t)
	calls := trace.NewCalls(1000, nil)
	s, err := NewSampler(SamplerConfig{NTree: cfg.Trees, Height: cfg.Height, WindowSize: cfg.Window, Seed: cfg.Seed,
		MaxDuration: cfg.Limits["duration"][1], Encoding: encoding, Calls: calls})
	if err != nil {
		t.Fatal(err)
	}
	for i, span := range spans[:len(v.Post)] {
		call := calls.Of(span[0].(string), span[1].(string))
		if i%50 == 49 {
			s = restored(t, s, calls)
		}
		v.checkScores(t, i, span[2].(float64),
			func(ms float64) float64 { return s.sample(call, ms).Score },
			func(ms float64) { s.learn(call, ms) })
	}
}

// restored is a sampler restored from a snapshot of s.
func restored(t *testing.T, s *Sampler, calls *trace.Calls) *Sampler {
	t.Helper()
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = RestoreSampler(snapshot, calls, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	return s
}

// algorithm1 is Algorithm 1 of the paper as printed: it looks the call up and
// stores under the service.
type algorithm1 struct {
	encodings map[string]int
	fixed     bool // store where it is looked up
}

func (a *algorithm1) features(service, operation string, ms float64) map[string]float64 {
	name := service + "::" + operation
	id, ok := a.encodings[name]
	if !ok {
		id = len(a.encodings)
		if a.fixed {
			a.encodings[name] = id
		} else {
			a.encodings[service] = id
		}
	}
	return map[string]float64{strconv.Itoa(id): 1, "duration": ms}
}

// samplerCase is a stream of spans with the scores of Algorithm 1 over the twin.
type samplerCase struct {
	rng   *rand.Rand
	cfg   SamplerConfig
	calls *trace.Calls
	spans []trace.Span
	want  []float64 // scores before learning, and after
	after []float64
}

func newSamplerCase(seed uint64) *samplerCase {
	rng := rand.New(rand.NewPCG(seed, 3))
	c := &samplerCase{rng: rng, calls: trace.NewCalls(100, nil), cfg: SamplerConfig{
		NTree: 1 + rng.IntN(4), Height: 1 + rng.IntN(7), WindowSize: 2 + rng.IntN(30), Seed: NewSeed(rng.Int64()),
		MinScore: rng.Float64(), MaxDuration: math.Exp(10 * rng.Float64()), Encoding: Encoding(rng.IntN(2)),
	}}
	c.cfg.Calls = c.calls
	if rng.IntN(4) == 0 {
		c.cfg.TrainSize = int64(c.cfg.WindowSize * (1 + rng.IntN(3)))
	}
	c.spans = make([]trace.Span, rng.IntN(5*c.cfg.WindowSize+10))
	for i := range c.spans {
		s := &c.spans[i]
		s.Service, s.Operation = fmt.Sprint("s", rng.IntN(4)), fmt.Sprint("o", rng.IntN(2))
		s.Call = c.calls.Of(s.Service, s.Operation)
		s.Duration = int64(c.cfg.MaxDuration * 1e5 * math.Exp(2*rng.NormFloat64()))
	}
	return c
}

func (c *samplerCase) expect() {
	a := algorithm1{encodings: map[string]int{}, fixed: c.cfg.Encoding == EncodingFixed}
	w := newTwin(c.cfg.forest(), []string{"0", "duration"})
	for i, s := range c.spans {
		x := a.features(s.Service, s.Operation, float64(s.Duration)/1e6)
		c.want = append(c.want, w.score(x))
		if c.cfg.TrainSize == 0 || int64(i) < c.cfg.TrainSize {
			w.learn(x)
		}
		c.after = append(c.after, w.score(x))
	}
}

func (c *samplerCase) check() error {
	s, err := NewSampler(c.cfg)
	if err != nil {
		return err
	}
	for i := range c.spans {
		span, kept := c.spans[i], c.spans[i]
		before := s.Sample(&span)
		s.Learn(&span)
		after := s.Sample(&span)
		if before.Score != c.want[i] || after.Score != c.after[i] {
			return fmt.Errorf("span %d: %v and after learning %v, Algorithm 1 has %v and %v", i, before, after, c.want[i], c.after[i])
		}
		if warm := i < c.cfg.WindowSize; before.WarmUp != warm || before.Keep != (!warm && before.Score >= c.cfg.MinScore) {
			return fmt.Errorf("span %d: decision %+v", i, before)
		}
		if span != kept {
			return fmt.Errorf("span %d was changed", i)
		}
		if c.rng.IntN(40) == 0 {
			snapshot, _ := s.Snapshot()
			if s, err = RestoreSampler(snapshot, c.calls, s.MemoryBytes()); err != nil {
				return err
			}
		}
	}
	return c.checkColumn()
}

// checkColumn runs the same spans as a column.
func (c *samplerCase) checkColumn() error {
	l, err := NewBatchLine(c.cfg)
	if c.cfg.Encoding != EncodingPaper {
		if err == nil {
			return fmt.Errorf("a column for encoding %v", c.cfg.Encoding)
		}
		return nil
	}
	if err != nil {
		return err
	}
	ns, got := make([]int64, len(c.spans)), make([]float64, len(c.spans))
	for i := range ns {
		ns[i] = c.spans[i].Duration
	}
	Batch{Order: LearnThenScore, Train: c.cfg.TrainSize, Workers: 2}.ScoresNS(l, got, ns)
	for i := range got {
		if got[i] != c.after[i] {
			return fmt.Errorf("span %d: %v in a column, Algorithm 1 has %v", i, got[i], c.after[i])
		}
	}
	return nil
}

func TestSamplerEqualsAlgorithm1(t *testing.T) {
	for seed := range uint64(cases() / 2) {
		c := newSamplerCase(seed)
		c.expect()
		if err := c.check(); err != nil {
			t.Fatalf("case %d, %+v: %v", seed, c.cfg, err)
		}
	}
}

func TestSamplerConfig(t *testing.T) {
	good := DefaultSamplerConfig(NewSeed(1))
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(c *SamplerConfig){
		"Trees":        func(c *SamplerConfig) { c.NTree = 0 },
		"Height":       func(c *SamplerConfig) { c.Height = 99 },
		"Window":       func(c *SamplerConfig) { c.WindowSize = -1 },
		"min_score":    func(c *SamplerConfig) { c.MinScore = math.NaN() },
		"max_duration": func(c *SamplerConfig) { c.MaxDuration = math.Inf(1) },
		"train_size":   func(c *SamplerConfig) { c.TrainSize = int64(c.WindowSize) - 1 },
		"encoding":     func(c *SamplerConfig) { c.Encoding = 2 },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that names %s", bad, err, want)
		}
		if _, err := NewSampler(bad); err == nil {
			t.Errorf("%+v makes a sampler", bad)
		}
	}
}

// A configuration survives JSON, under the paper's names.
func TestSamplerConfigJSON(t *testing.T) {
	cfg := SamplerConfig{NTree: 12, Height: 10, WindowSize: 125, MinScore: 0.4, MaxDuration: 5000, TrainSize: 300,
		Seed: NewSeed(-7), Encoding: EncodingFixed}
	data, err := json.Marshal(cfg)
	const want = `{"n_tree":12,"height":10,"window_size":125,"min_score":0.4,"max_duration":5000,"train_size":300,"seed":"-7","encoding":"fixed"}`
	if err != nil || string(data) != want {
		t.Fatalf("%s, %v, want %s", data, err, want)
	}
	var back SamplerConfig
	if err := json.Unmarshal(data, &back); err != nil || back != cfg {
		t.Errorf("%+v, %v", back, err)
	}
}

// A sampler restored with another table of calls knows its first call by name.
func TestSamplerSnapshotNamesCalls(t *testing.T) {
	old := trace.NewCalls(10, nil)
	old.Of("noise", "noise")
	cfg := SamplerConfig{NTree: 3, Height: 5, WindowSize: 4, MaxDuration: 100, Encoding: EncodingFixed, Calls: old}
	s, err := NewSampler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Learn(&trace.Span{Call: old.Of("cart", "add")})
	snapshot, _ := s.Snapshot()
	if _, err := RestoreSampler(snapshot, nil, math.MaxInt64); err == nil {
		t.Error("restored without a table of calls")
	}
	fresh := trace.NewCalls(10, nil)
	back := restored(t, s, fresh)
	if fresh.Name(back.firstCall) != "cart::add" {
		t.Errorf("first call %q", fresh.Name(back.firstCall))
	}
}

func TestSamplerDoesNotAllocate(t *testing.T) {
	for _, encoding := range []Encoding{EncodingPaper, EncodingFixed} {
		cfg := DefaultSamplerConfig(NewSeed(1))
		cfg.Encoding = encoding
		s, err := NewSampler(cfg)
		if err != nil {
			t.Fatal(err)
		}
		span, i := trace.Span{}, 0
		step := func() {
			i++
			span.Call, span.Duration = trace.Call(i%7), int64(i*7919%1000)*1e6
			s.Learn(&span)
			s.Sample(&span)
		}
		for range 1000 {
			step()
		}
		if n := testing.AllocsPerRun(2000, step); n != 0 {
			t.Errorf("%v: %v allocations a span, want 0", encoding, n)
		}
	}
}
