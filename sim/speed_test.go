//go:build unix

package sim

import (
	"syscall"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
)

// The benchmarks of this file report events a second of CPU time, of all threads:
// what one core does, whatever else the machine is busy with.

// cpuSeconds is the CPU time of the process so far.
func cpuSeconds(t testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// benchmark fires events of a system that is past its warm-up.
func benchmark(b *testing.B, s *System) {
	b.ReportAllocs()
	fired, cpu := s.clock.Fired(), cpuSeconds(b)
	for b.Loop() {
		for range 1000 {
			s.clock.Step()
		}
	}
	b.ReportMetric(float64(s.clock.Fired()-fired)/1e6/(cpuSeconds(b)-cpu), "Mevents/cpu-s")
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(s.clock.Fired()-fired), "ns/event")
}

// BenchmarkMM1 is the speed of the whole queueing core: two events a request.
func BenchmarkMM1(b *testing.B) {
	s := build(b, mm1(), 1)
	run(b, s, 10_000)
	benchmark(b, s)
}

// mesh is 30 services: 3 entries that each call 3 of 27, a quarter of a second
// of CPU a request in all, with network delays and 400 requests a second.
func mesh() *Topology {
	t := &Topology{}
	for i := range 3 {
		entry := Service{Name: "entry-" + string(rune('a'+i)), Replicas: 4, Pod: Pod{Threads: 64}}
		op := Operation{Name: "serve", Stages: []Stage{{CPU: exp(.005)}}}
		for j := range 9 {
			leaf := station("leaf-"+string(rune('a'+i))+string(rune('a'+j)), 8, exp(.02))
			leaf.Replicas = 3
			t.Services = append(t.Services, leaf)
			op.Stages = append(op.Stages, Stage{Calls: []Call{{Service: leaf.Name, Probability: 1. / 3, Network: exp(.0005)}}})
		}
		entry.Operations = []Operation{op}
		t.Services = append(t.Services, entry)
		t.Clients = append(t.Clients, poisson("client-"+entry.Name, entry.Name, 133))
	}
	return t
}

// BenchmarkSpans only counts the spans.
func BenchmarkSpans(b *testing.B) {
	s := build(b, mesh(), 1)
	n := 0
	s.OnSpan(Epoch, func(*trace.Span) { n++ })
	run(b, s, 300)
	benchmark(b, s)
}

// BenchmarkSampled has every span exported 5.2 s after its end, interned, sampled and
// learned by the production sampler.
func BenchmarkSampled(b *testing.B) {
	s := build(b, mesh(), 1)
	kept, spans := sampled(b, s)
	run(b, s, 300)
	*kept, *spans = 0, 0
	benchmark(b, s)
	b.ReportMetric(float64(*spans)/float64(b.N*1000), "spans/event")
	b.ReportMetric(100*float64(*kept)/float64(*spans), "%kept")
}

// BenchmarkDiurnalDay is 24 h of the recorded load under an HPA: 6.7 M requests, 600 a
// second at the peak, every span to the sampler.
func BenchmarkDiurnalDay(b *testing.B) {
	for b.Loop() {
		cpu := cpuSeconds(b)
		s := diurnal(b, .1569, .025)
		_, spans := sampled(b, s)
		run(b, s, 86_400)
		b.ReportMetric(cpuSeconds(b)-cpu, "cpu-s")
		b.ReportMetric(float64(s.clock.Fired())/1e6, "Mevents")
		b.ReportMetric(float64(*spans)/1e6, "Mspans")
	}
}

// sampled exports the spans of a system to the adaptive sampler, and counts.
func sampled(t testing.TB, s *System) (kept, spans *int) {
	sampler, err := hst.NewAdaptive(hst.DefaultAdaptiveConfig(hst.NewSeed(1)))
	if err != nil {
		t.Fatal(err)
	}
	calls := trace.NewCalls(1000, nil)
	kept, spans = new(int), new(int)
	NewExporter(s, Epoch, DefaultExportDelay, func(_ int64, sp *trace.Span) {
		sp.Call = calls.Of(sp.Service, sp.Operation)
		*spans++
		if sampler.Sample(sp).Keep {
			*kept++
		}
		sampler.Learn(sp)
	})
	return kept, spans
}
