package live

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// benchSpans are n spans of 1 000 calls, 10 of each of 100 services, in traces of
// five, some 2 % of them slow, by .5 to 1.5 s. 100 000 spans a second of virtual time.
// Each has five attributes, among them one of 100 tenants and one of 100 zones.
func benchSpans(n int, seed uint64) []Span {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]Span, n)
	method, status, pod := Attribute{"http.request.method", "GET"}, Attribute{"http.response.status_code", "200"}, Attribute{"k8s.pod.name", "service-5c9f7b4d6-x2x5q"}
	var tenants, zones [100]Attribute
	for i := range 100 {
		tenants[i], zones[i] = Attribute{"tenant", fmt.Sprintf("tenant-%02d", i)}, Attribute{"cloud.zone", fmt.Sprintf("zone-%02d", i)}
	}
	names := make([][2]string, 1000)
	for i := range names {
		names[i] = [2]string{fmt.Sprintf("service-%02d", i/10), fmt.Sprintf("/operation/%d", i%10)}
	}
	for i := range out {
		s := &out[i]
		name := names[rng.IntN(len(names))]
		s.Service, s.Operation, s.SpanKind = name[0], name[1], KindServer
		s.TraceID, s.ID = trace.TraceID{Hi: 7, Lo: uint64(i/5 + 1)}, trace.SpanID(i+1)
		s.Attributes = []Attribute{method, status, tenants[rng.IntN(100)], zones[rng.IntN(100)], pod}
		if i%5 > 0 {
			s.ParentID = trace.SpanID(i - i%5 + 1)
		}
		s.Duration = int64(rng.ExpFloat64() * 10e6)
		if rng.IntN(50) == 0 {
			s.Duration += 500e6 + rng.Int64N(1000e6)
		}
		s.Start = int64(i)*10_000 - s.Duration
	}
	return out
}

// benchRules are 100 rules of one kind. spread: each looks at one service; identical:
// every rule looks at every call, for the same; the others look at every call, each
// with a threshold of its own, from 400 ms in steps of 10 ms, but for matches: there
// each matches by a pattern of its own. The mixed ones are of all kinds of conditions.
func benchRules(kind string) RuleSet {
	set := RuleSet{Settings: DefaultSettings()}
	for i := range 100 {
		r := RuleSpec{
			Name: fmt.Sprint("rule-", i),
			When: Condition{Latency: 400 * time.Millisecond, Times: 50, Window: time.Minute},
			Then: Response{Horizontal: &HorizontalResponse{Amount: Amount{Step, 1}}},
		}
		switch kind {
		case "spread":
			r.Match.Service, _ = ParsePattern(fmt.Sprintf("service-%02d", i))
		case "identical":
		case "matches", "matchesMixed":
			r.Match = benchMatch(i)
		default:
			r.When.Latency += time.Duration(i) * 10 * time.Millisecond
		}
		condition := i % 4
		switch kind {
		case "share":
			r.When.Times, r.When.Share, r.When.MinSpans = 0, 0.01, 100
		case "burn":
			r.When.Times, r.When.Window = 0, 0
			r.When.SLO = &SLO{0.99, []Burn{{time.Hour, 5 * time.Minute, 1}, {6 * time.Hour, 30 * time.Minute, 1}}}
		case "matchesMixed":
			condition = i / 25
			fallthrough
		case "mixed": // a fourth each of count, share, burn and calm
			switch condition {
			case 1:
				r.When.Times, r.When.Share, r.When.MinSpans = 0, 0.01, 100
			case 2:
				r.When.Times, r.When.Window = 0, 0
				r.When.SLO = &SLO{0.99, []Burn{{time.Hour, 5 * time.Minute, 1}}}
			case 3:
				r.Calm = &Calm{Below: .5, For: time.Minute, MinSpans: 100, Then: r.Then}
			}
		case "windows":
			r.When.Window = time.Duration(i%10+1) * 6 * time.Second
		}
		set.Rules = append(set.Rules, r)
	}
	return set
}

// benchMatch is one of 100 different matches: a fourth each are globs of services,
// which a tenth have, regular expressions of operations, which a third have, exact
// tenants, which one in a hundred spans has, and globs of zones, which a tenth have.
func benchMatch(i int) (m Match) {
	pattern := func(format string, args ...any) Pattern {
		p, err := ParsePattern(fmt.Sprintf(format, args...))
		if err != nil {
			panic(err)
		}
		return p
	}
	switch n := i / 4; i % 4 {
	case 0:
		m.Service = pattern([]string{"glob:service-%d*", "glob:service-?%d", "glob:service-%d?"}[n/10], n%10)
	case 1:
		m.Operation = pattern("re:/operation/[%d-%d]$", n/5, n/5+1+n%5)
	case 2:
		m.Attributes = []AttributeMatch{{"tenant", pattern("tenant-%02d", n)}}
	case 3:
		m.Attributes = []AttributeMatch{{"cloud.zone", pattern([]string{"glob:zone-%d*", "glob:zone-?%d", "re:^zone-.*%d$"}[n/10], n%10)}}
	}
	return m
}

// keepSlow samples like a good sampler: the slow ones.
type keepSlow struct{}

func (keepSlow) Sample(s *trace.Span) trace.Decision { return trace.Decision{Keep: s.Duration > 400e6} }
func (keepSlow) Learn(*trace.Span)                   {}

// BenchmarkPipeline is a span through the whole pipeline, a tick every virtual
// second included: 100 rules, 1 000 calls.
func BenchmarkPipeline(b *testing.B) {
	for _, c := range []struct {
		rules   string
		sampler trace.Sampler
	}{
		{"spread", nil}, {"spread", keepSlow{}}, {"identical", keepSlow{}}, {"thresholds", keepSlow{}}, {"windows", keepSlow{}},
		{"share", keepSlow{}}, {"burn", keepSlow{}}, {"mixed", keepSlow{}},
		{"matches", keepSlow{}}, {"matchesMixed", keepSlow{}},
	} {
		name := c.rules
		if c.sampler == nil {
			name += "/allSampled"
		}
		b.Run(name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			p, err := New(Options{Rules: benchRules(c.rules), Sampler: c.sampler, Orchestrator: NewLedger(nil, State{Replicas: 1})})
			if err != nil {
				b.Fatal(err)
			}
			spans := benchSpans(1<<17, 1)
			const wrap = int64(1<<17) * 10_000
			b.ReportAllocs()
			b.ResetTimer()
			var cpu time.Duration // the machine may be shared: CPU time is what a core does
			from := cpuTime(b)
			for i := range b.N {
				s := &spans[i%len(spans)]
				if round := int64(i / len(spans)); i%len(spans) == 0 && round > 0 {
					b.StopTimer()
					cpu += cpuTime(b) - from
					for k := range spans {
						spans[k].Start += wrap
						spans[k].TraceID.Hi++
					}
					from = cpuTime(b)
					b.StartTimer()
				}
				if _, err := p.Span(s); err != nil {
					b.Fatal(i, err)
				}
				if i%100_000 == 99_999 {
					if _, err := p.Tick(context.Background(), s.End()); err != nil {
						b.Fatal(err)
					}
				}
			}
			cpu += cpuTime(b) - from
			b.ReportMetric(float64(b.N)/cpu.Seconds(), "spans/cpu-s")
		})
	}
}

// BenchmarkSnapshot is the state of 100 rules on 1 000 calls, 10 s of 100 000 spans a
// second: written, and read.
func BenchmarkSnapshot(b *testing.B) {
	o := Options{Rules: benchRules("mixed"), Sampler: keepSlow{}, Orchestrator: NewLedger(nil, State{Replicas: 1})}
	p, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	for i, s := range benchSpans(1_000_000, 1) {
		if _, err := p.Span(&s); err != nil {
			b.Fatal(err)
		}
		if i%100_000 == 99_999 {
			if _, err := p.Tick(context.Background(), s.End()); err != nil {
				b.Fatal(err)
			}
		}
	}
	state, err := p.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Snapshot(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(state))/1e6, "MB")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := Restore(o, state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
