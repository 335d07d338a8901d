package synth

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

var _ datasets.Decoder = (*Decoder)(nil)

// collect is the whole stream of a Config.
func collect(t testing.TB, c Config) []trace.Span {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var spans []trace.Span
	s := trace.Span{Service: "dirty", Kind: "dirty", Call: 9}
	for {
		err := d.Decode(&s)
		if err == io.EOF {
			return spans
		}
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
}

// checkStream holds a whole stream to what the package promises.
func checkStream(spans []trace.Span) error {
	type key struct {
		trace trace.TraceID
		id    trace.SpanID
	}
	at := map[key]int{}
	ids := map[trace.SpanID]bool{}
	roots := map[trace.TraceID]int{}
	for i := range spans {
		s := &spans[i]
		switch {
		case s.ID == 0 || ids[s.ID]:
			return fmt.Errorf("span %d: id %s is zero or not unique", i, s.ID)
		case s.Duration < 0 || s.Start < Epoch:
			return fmt.Errorf("span %d: start %d, duration %d", i, s.Start, s.Duration)
		case i > 0 && s.End() < spans[i-1].End():
			return fmt.Errorf("span %d ends before span %d", i, i-1)
		case s.Service == "" || s.Operation == "" || s.Call != 0:
			return fmt.Errorf("span %d: service %q, operation %q, call %d", i, s.Service, s.Operation, s.Call)
		}
		ids[s.ID] = true
		at[key{s.TraceID, s.ID}] = i
		if s.ParentID == 0 {
			roots[s.TraceID]++
		}
	}
	for i := range spans {
		s := &spans[i]
		if roots[s.TraceID] != 1 {
			return fmt.Errorf("trace %s has %d roots", s.TraceID, roots[s.TraceID])
		}
		if s.ParentID == 0 {
			continue
		}
		j, ok := at[key{s.TraceID, s.ParentID}]
		if !ok {
			return fmt.Errorf("span %d: no parent in its trace", i)
		}
		p := &spans[j]
		if j < i || s.Start < p.Start || s.End() > p.End() {
			return fmt.Errorf("span %d [%d, %d] is not within and before its parent %d [%d, %d]", i, s.Start, s.End(), j, p.Start, p.End())
		}
	}
	return nil
}

func TestStreamsKeepTheirPromises(t *testing.T) {
	for _, v := range Variants() {
		for _, n := range []int64{1, 7, 20_000} {
			c := v.Config
			c.Spans, c.AnomalyRate = n, 0.03
			c.Kinds = bookshop().Kinds
			spans := collect(t, c)
			if int64(len(spans)) != n {
				t.Errorf("%s: %d spans, want %d", v.Name, len(spans), n)
			}
			if err := checkStream(spans); err != nil {
				t.Errorf("%s, %d spans: %v", v.Name, n, err)
			}
		}
	}
}

// The check above must be able to fail.
func TestCheckStreamSeesFaults(t *testing.T) {
	c := bookshop()
	c.Spans = 200
	for name, spoil := range map[string]func(spans []trace.Span){
		"order":     func(s []trace.Span) { s[5], s[150] = s[150], s[5] },
		"duplicate": func(s []trace.Span) { s[6].ID = s[5].ID },
		"parent":    func(s []trace.Span) { s[0].ParentID = 1 },
		"nesting":   func(s []trace.Span) { s[0].Start, s[0].Duration = Epoch, s[0].End()-Epoch },
		"roots":     func(s []trace.Span) { s[0].ParentID = 0 },
	} {
		spans := collect(t, c)
		spoil(spans)
		if checkStream(spans) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// checksum is FNV-1a over every field.
func checksum(spans []trace.Span) uint64 {
	h := fnv.New64a()
	for i := range spans {
		s := &spans[i]
		var b [40]byte
		binary.LittleEndian.PutUint64(b[0:], s.TraceID.Hi^s.TraceID.Lo)
		binary.LittleEndian.PutUint64(b[8:], uint64(s.ID))
		binary.LittleEndian.PutUint64(b[16:], uint64(s.ParentID))
		binary.LittleEndian.PutUint64(b[24:], uint64(s.Start))
		binary.LittleEndian.PutUint64(b[32:], uint64(s.Duration))
		h.Write(b[:])
		io.WriteString(h, s.Service+"\x00"+s.Operation+"\x00"+s.Label.String()+"\x00"+s.Kind+"\x00")
	}
	return h.Sum64()
}

// The sums were recorded on amd64 and are the same on 386. A change of them
// changes every result that was computed on synthetic data: say so in the commit.
func TestSameBytesOnEveryMachine(t *testing.T) {
	want := map[string]uint64{
		"bookshop": 0x5891c2a7a577a510, "microservices": 0x74d02a8a51243fb0,
		"web_mobile": 0xc3ff8b171558674d, "single": 0xa4203682a7a8170e,
		"A": 0x1bf8bdb3748883fa, "B": 0xe38ba93053945bb2, "C": 0x02e7d289d1da9c86,
		"D": 0x09e3c493e0d3423e, "E": 0xa365894d06bcd8a4, "F": 0xa33e75316b04687d,
	}
	for _, v := range Variants() {
		c := v.Config
		c.Spans = 20_000
		if got := checksum(collect(t, c)); got != want[v.Name] {
			t.Errorf("%q: %#016x,", v.Name, got)
		}
	}
}

func TestSeeds(t *testing.T) {
	c := bookshop()
	c.Spans = 2_000
	same, again := checksum(collect(t, c)), checksum(collect(t, c))
	if same != again {
		t.Error("one Config gave two streams")
	}
	c.Seed = 2
	otherTraffic := collect(t, c)
	if checksum(otherTraffic) == same {
		t.Error("another Seed gave the same stream")
	}
	c.Seed, c.SystemSeed = 1, 2
	if checksum(collect(t, c)) == same {
		t.Error("another SystemSeed gave the same stream")
	}
}

// A longer stream begins like a shorter one, until the shorter one's end is near.
func TestLengthDoesNotChangeTheBeginning(t *testing.T) {
	c := bookshop()
	c.Spans = 2_000
	short := collect(t, c)
	c.Spans = 4_000
	if long := collect(t, c); checksum(long[:1_500]) != checksum(short[:1_500]) {
		t.Error("the first spans depend on how many follow")
	}
}

// Overload: arrivals wait instead of filling the memory.
func TestInFlightIsBounded(t *testing.T) {
	c := base(Independent)
	c.Calls, c.MedianMin, c.MedianMax = 10, time.Minute, time.Minute
	c.RequestsPerSecond = 1e6
	c.Spans = MaxInFlight + 20_000
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var s trace.Span
	var before int64
	for d.Decode(&s) == nil {
		if d.inFlight > MaxInFlight {
			t.Fatalf("%d spans in flight", d.inFlight)
		}
		if s.End() < before {
			t.Fatal("not in the order of ends")
		}
		before = s.End()
	}
	if d.made != c.Spans {
		t.Errorf("%d spans, want %d", d.made, c.Spans)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	c := bookshop()
	c.Spans = MaxSpans
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var s trace.Span
	decode := func() {
		for range 1_000 {
			if err := d.Decode(&s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 50 { // buffers of the requests in flight
		decode()
	}
	if n := testing.AllocsPerRun(20, decode); n > 5 {
		t.Errorf("%v allocations in 1000 spans", n)
	}
}
