package sim

import (
	"io"
	"testing"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// shop calls a and b in turn, b calls c; c is slow between 100 and 200 s.
func shop(t testing.TB) *System {
	b := station("b", 4, exp(.02))
	b.Operations[0].Stages = append(b.Operations[0].Stages, Stage{Calls: []Call{{Service: "c", Network: exp(.001)}}})
	s := build(t, &Topology{
		Services: []Service{front([]Call{to("a")}, []Call{to("b")}), station("a", 2, exp(.01)), b, station("c", 4, exp(.01))},
		Clients:  []Client{{Name: "users", Mix: []Choice{{to("front"), 1}}, Arrivals: traffic.Poisson(traffic.Constant(20))}},
	}, 1)
	s.clock.After(100e9, fault{s, Fault{Kind: "slow-c", Slow: 10}}, 0)
	s.clock.After(200e9, fault{s, Fault{}}, 0)
	return s
}

type fault struct {
	s *System
	f Fault
}

func (f fault) Handle(uint64) { f.s.SetFault("c", "", f.f) }

func TestSpansFormTraces(t *testing.T) {
	d := shop(t).Spans(Epoch, 300e9)
	byID := map[trace.SpanID]trace.Span{}
	traces := map[trace.TraceID]int{}
	labels := map[string]map[trace.Label]int{}
	var sp trace.Span
	last := int64(0)
	for {
		err := d.Decode(&sp)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := byID[sp.ID]; twice || sp.ID == 0 || sp.Duration < 0 || sp.End() < last {
			t.Fatalf("span %+v", sp)
		}
		last = sp.End()
		byID[sp.ID] = sp
		traces[sp.TraceID]++
		if labels[sp.Service] == nil {
			labels[sp.Service] = map[trace.Label]int{}
		}
		labels[sp.Service][sp.Label]++
		slow := sp.End()-Epoch >= 100e9 && sp.Start-Epoch < 200e9
		if sp.Label == trace.Anomalous && (sp.Service != "c" || sp.Kind != "slow-c" || !slow) {
			t.Fatalf("labelled %+v", sp)
		}
	}
	parents := 0
	for _, s := range byID {
		p, ok := byID[s.ParentID]
		if !ok {
			continue // a root, or the parent had not ended
		}
		parents++
		if p.TraceID != s.TraceID || s.Start < p.Start || s.End() > p.End() {
			t.Fatalf("child %+v of %+v", s, p)
		}
	}
	if len(byID) < 20_000 || parents < len(byID)*7/10 || len(traces) < 5000 {
		t.Errorf("%d spans, %d with a parent, %d traces", len(byID), parents, len(traces))
	}
	if c := labels["c"]; c[trace.Anomalous] < 1500 || c[trace.Normal] < 3000 || c[trace.Propagated] > 0 {
		t.Errorf("labels of c: %v", c)
	}
	if b := labels["b"]; b[trace.Propagated] < 1500 || b[trace.Anomalous] > 0 {
		t.Errorf("labels of b: %v", b)
	}
	if a := labels["a"]; a[trace.Normal] < 5000 || len(a) != 1 {
		t.Errorf("labels of a: %v", a)
	}
}

// A simulation is a dataset like any other.
func TestASimulationIsADataset(t *testing.T) {
	r := datasets.NewReader(shop(t).Spans(Epoch, 50e9), nil, "simulation", datasets.Options{Strict: true, DropDuplicates: true})
	defer r.Close()
	rows := int64(0)
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += rec.NumRows()
		rec.Release()
	}
	if rows < 3000 || r.Bad().Total != 0 {
		t.Errorf("%d rows, %d bad", rows, r.Bad().Total)
	}
}

func TestExportersAreLate(t *testing.T) {
	direct, late := []trace.Span{}, []trace.Span{}
	s := shop(t)
	s.OnSpan(Epoch, func(sp *trace.Span) { direct = append(direct, *sp) })
	run(t, s, 50)
	s = shop(t)
	e := NewExporter(s, Epoch, DefaultExportDelay, func(now int64, sp *trace.Span) {
		if now != sp.End()-Epoch+DefaultExportDelay {
			t.Fatalf("%d ns after its end", now-(sp.End()-Epoch))
		}
		late = append(late, *sp)
	})
	run(t, s, 50)
	if e.Waiting() < 300 || e.Waiting() > 600 { // 20 requests a second, 4 spans each, 5.2 s
		t.Errorf("%d spans on their way", e.Waiting())
	}
	if len(late)+e.Waiting() != len(direct) {
		t.Errorf("%d delivered and %d on their way of %d", len(late), e.Waiting(), len(direct))
	}
	for i := range late {
		if late[i] != direct[i] {
			t.Fatalf("span %d: %+v, want %+v", i, late[i], direct[i])
		}
	}
}
