package policy

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// pods are n ready pods, long started, each using so much of a request of 1000m.
func pods(n int, milli int64) []Pod {
	p := make([]Pod, n)
	for i := range p {
		p[i] = Pod{
			Name: fmt.Sprint(i), Ready: true, Started: -3600 * second, Transition: -3590 * second,
			Requests: []Sample{{Name: "cpu", Milli: 1000}},
			Metrics:  []Sample{{Name: "cpu", Milli: milli, Window: 15 * second}},
		}
	}
	return p
}

func workload(pods []Pod) *Workload {
	n := int32(len(pods))
	return &Workload{Replicas: n, Current: n, Pods: pods}
}

// The edges were seen on the real controller of v1.36.3, with one-core requests.
func TestHPAEdgesOfTolerance(t *testing.T) {
	for _, c := range []struct {
		target int32
		milli  int64
		want   int32
	}{
		{50, 559, 10}, {50, 560, 12}, {50, 450, 10}, {50, 449, 9},
		{60, 661, 10}, {60, 670, 12},
	} {
		h := NewHPA(1, 100, CPU(c.target))
		h.DownscaleWindow = -1 // no recommendation is held: the calculation alone
		if got := h.Decide(0, workload(pods(10, c.milli))).Replicas; got != c.want {
			t.Errorf("target %d %%, %dm: %d replicas, want %d", c.target, c.milli, got, c.want)
		}
	}
}

// The reference run on the real controller: 1 -> 10 cores at 60 s, target 50 %, start
// at 2; the load drops to 1 core at 600 s.
func TestHPAStepResponse(t *testing.T) {
	for name, behavior := range map[string]*Behavior{"without behavior": nil, "default behavior": DefaultBehavior()} {
		h := NewHPA(2, 100, CPU(50))
		h.Behavior = behavior
		want := map[int64]int32{60: 4, 75: 8, 90: 16, 105: 20, 900: 2}
		if behavior != nil {
			// Four pods or 100 %; and the window is open at its end, so 585 s is out at 885 s.
			want = map[int64]int32{60: 6, 75: 12, 90: 20, 885: 2}
		}
		n := int32(2)
		for at := int64(0); at <= 1200; at += 15 {
			cores := int64(1000)
			if at >= 60 && at < 600 {
				cores = 10_000
			}
			got := h.Decide(at*second, workload(pods(int(n), cores/int64(n)))).Replicas
			w, changes := want[at]
			if !changes {
				w = n
			}
			if got != w {
				t.Errorf("%s: at %d s %d -> %d replicas, want %d", name, at, n, got, w)
			}
			n = got
		}
	}
}

// Cases that follow from the controller's grouping of pods; each expectation is the
// calculation by hand in the comment.
func TestHPAPodGroups(t *testing.T) {
	now := 1000 * second
	type edit func([]Pod) []Pod
	for _, c := range []struct {
		name  string
		n     int
		milli int64
		edit  edit
		want  int32
	}{
		{"a terminating pod does not count", 4, 1000, // 200 % of 3 pods
			func(p []Pod) []Pod { p[0].Terminated = true; return p }, 6},
		{"a pending pod counts as idle on scale-up", 4, 900, // (3·90+0)/4 = 67 % -> 1.34·4
			func(p []Pod) []Pod { p[0].Pending = true; return p }, 6},
		{"a pending pod is ignored on scale-down", 4, 200, // 20 % of 3 pods: .4·3
			func(p []Pod) []Pod { p[0].Pending = true; return p }, 2},
		{"a pod without metrics counts as idle on scale-up", 4, 900,
			func(p []Pod) []Pod { p[0].Metrics = nil; return p }, 6},
		{"a pod without metrics counts as full on scale-down", 4, 200, // (3·20+100)/4 = 40 % -> .8·4
			func(p []Pod) []Pod { p[0].Metrics = nil; return p }, 4},
		{"the fill-in would turn the change around", 2, 560, // 56 % -> 28 %
			func(p []Pod) []Pod { p[0].Metrics = nil; return p }, 2},
		{"a starting pod's CPU is not believed", 4, 900,
			func(p []Pod) []Pod { p[0].Started, p[0].Transition = now-20*second, now-5*second; return p }, 6},
		{"a pod that was never ready is ignored", 4, 200,
			func(p []Pod) []Pod {
				p[0].Ready, p[0].Started, p[0].Transition = false, now-400*second, now-390*second
				return p
			}, 2},
		{"a pod that was ready once counts", 4, 200, // 20 % of 4: .4·4
			func(p []Pod) []Pod { p[0].Ready, p[0].Transition = false, now-100*second; return p }, 2},
		{"no metrics at all", 4, 0,
			func(p []Pod) []Pod {
				for i := range p {
					p[i].Metrics = nil
				}
				return p
			}, 4},
		{"no requests", 4, 900, func(p []Pod) []Pod { p[2].Requests = nil; return p }, 4},
	} {
		h := NewHPA(1, 100, CPU(50))
		p := pods(c.n, c.milli)
		for i := range p {
			p[i].Metrics[0].At = now
		}
		h.DownscaleWindow = -1
		d := h.Decide(now, workload(c.edit(p)))
		if d.Replicas != c.want {
			t.Errorf("%s: %d replicas, want %d (%s)", c.name, d.Replicas, c.want, d.Reason)
		}
	}
}

func TestHPAOtherMetrics(t *testing.T) {
	queue := func(milli int64) []Sample { return []Sample{{Name: "queue", Milli: milli}} }
	for _, c := range []struct {
		name    string
		metrics []Metric
		w       Workload
		want    int32
	}{
		{"average value", []Metric{{Source: External, Name: "queue", AverageMilli: 20_000}}, Workload{Replicas: 4, Current: 4, Metrics: queue(200_000)}, 8},
		{"average value within tolerance", []Metric{{Source: External, Name: "queue", AverageMilli: 20_000}}, Workload{Replicas: 4, Current: 4, Metrics: queue(88_000)}, 4},
		{"value", []Metric{{Source: Object, Name: "queue", ValueMilli: 100_000}}, Workload{Replicas: 4, Current: 4, Pods: pods(4, 0), Metrics: queue(150_000)}, 6},
		{"the larger one", []Metric{CPU(50), {Source: External, Name: "queue", AverageMilli: 20_000}}, Workload{Replicas: 4, Current: 4, Pods: pods(4, 600), Metrics: queue(140_000)}, 7},
		{"no scale-down on half of the metrics", []Metric{CPU(50), {Source: External, Name: "lost", AverageMilli: 1}}, Workload{Replicas: 4, Current: 4, Pods: pods(4, 100)}, 4},
		{"scale-up on half of the metrics", []Metric{CPU(50), {Source: External, Name: "lost", AverageMilli: 1}}, Workload{Replicas: 4, Current: 4, Pods: pods(4, 700)}, 6},
		{"disabled at zero", []Metric{CPU(50)}, Workload{}, 0},
		{"above max", []Metric{CPU(50)}, Workload{Replicas: 40}, 20},
		{"below min", []Metric{CPU(50)}, Workload{Replicas: 1}, 2},
		{"at most double", []Metric{CPU(1)}, Workload{Replicas: 6, Current: 6, Pods: pods(6, 900)}, 12},
		{"pods metric, truncated mean", []Metric{{Source: Pods, Name: "cpu", AverageMilli: 500}}, Workload{Replicas: 3, Current: 3, Pods: pods(3, 800)}, 5},
	} {
		h := NewHPA(2, 20, c.metrics...)
		h.DownscaleWindow = -1
		if d := h.Decide(0, &c.w); d.Replicas != c.want {
			t.Errorf("%s: %d, want %d (%s)", c.name, d.Replicas, c.want, d.Reason)
		}
	}
}

// Differences from the real controller that sim/conformance once found.
func TestHPAEdgesOfConformance(t *testing.T) {
	missing := pods(4, 500)
	missing[0].Metrics = nil
	unreported := pods(4, 900)
	unreported[0].Unreported = true
	queue := func(milli int64) []Sample { return []Sample{{Name: "queue", Milli: milli}} }
	wide := .5
	tolerant := &Behavior{Up: Rules{Tolerance: &wide, Policies: []RatePolicy{{Pods: 100, Period: second}}}, Down: DefaultBehavior().Down}
	for _, c := range []struct {
		name     string
		metrics  []Metric
		behavior *Behavior
		w        Workload
		want     int32
	}{
		{"nothing is filled in when the rest is on target", []Metric{{Source: Pods, Name: "cpu", AverageMilli: 500}}, nil, *workload(missing), 4},
		{"no start time or Ready condition: idle on scale-up", []Metric{CPU(50)}, nil, *workload(unreported), 6}, // (3·90+0)/4 -> 1.34·4
		{"a negative external total is an overflow", []Metric{{Source: External, Name: "queue", AverageMilli: 20_000}}, nil, Workload{Replicas: 4, Current: 4, Metrics: queue(-1)}, 8},
		{"a negative object total is none", []Metric{{Source: Object, Name: "queue", AverageMilli: 20_000}}, nil, Workload{Replicas: 4, Current: 4, Metrics: queue(-1)}, 2},
		{"no metrics: 80 % of the CPU", nil, nil, *workload(pods(4, 1600)), 8},
		{"a tolerance of its own", []Metric{CPU(50)}, tolerant, *workload(pods(4, 750)), 4},
		{"beyond a tolerance of its own", []Metric{CPU(50)}, tolerant, *workload(pods(4, 760)), 7},
	} {
		h := NewHPA(2, 20, c.metrics...)
		h.Behavior, h.DownscaleWindow = c.behavior, -1
		if d := h.Decide(0, &c.w); d.Replicas != c.want {
			t.Errorf("%s: %d, want %d (%s)", c.name, d.Replicas, c.want, d.Reason)
		}
	}
	h := NewHPA(0, 20, CPU(50))
	if d := h.Decide(0, &Workload{Pods: pods(1, 900)}); d.Replicas != 0 {
		t.Errorf("%d replicas from zero: the gate for that is off", d.Replicas)
	}
}

func TestHPABehavior(t *testing.T) {
	h := NewHPA(1, 100, CPU(50))
	h.Behavior = &Behavior{
		Up:   Rules{Select: MinChange, Policies: []RatePolicy{{Pods: 2, Period: 60 * second}, {Percent: 50, Period: 60 * second}}},
		Down: Rules{Select: Disabled},
	}
	n := int32(10)
	for i, want := range []int32{12, 12, 12, 12, 14} { // two pods a minute, strictly
		if n = h.Decide(int64(i)*15*second, workload(pods(int(n), 900))).Replicas; n != want {
			t.Errorf("at %d s: %d, want %d", 15*i, n, want)
		}
	}
	if got := h.Decide(3600*second, workload(pods(int(n), 10))).Replicas; got != n {
		t.Errorf("scale-down is disabled, but %d -> %d", n, got)
	}
	h.Behavior.Down = Rules{Policies: []RatePolicy{{Percent: 10, Period: 60 * second}}}
	if got := h.Decide(3660*second, workload(pods(14, 10))).Replicas; got != 12 { // 12.6, truncated
		t.Errorf("10 %% of 14 down: %d, want 12", got)
	}
}

// Whatever it is shown, an HPA stays between its bounds and does not panic.
func TestHPABounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		h := NewHPA(1+rng.Int32N(3), 5+rng.Int32N(50), CPU(1+rng.Int32N(200)), Metric{Source: External, Name: "q", AverageMilli: 1 + rng.Int64N(1e5)})
		if rng.IntN(2) == 0 {
			h.Behavior = DefaultBehavior()
		}
		n := h.Min
		for at := range int64(60) {
			w := workload(pods(int(n), rng.Int64N(3000)))
			for i := range w.Pods {
				p := &w.Pods[i]
				p.Pending, p.Terminated, p.Ready = rng.IntN(5) == 0, rng.IntN(9) == 0, rng.IntN(4) > 0
				p.Started = at * second * rng.Int64N(15)
				if rng.IntN(4) == 0 {
					p.Metrics = nil
				}
			}
			if rng.IntN(3) > 0 {
				w.Metrics = []Sample{{Name: "q", Milli: rng.Int64N(1e7)}}
			}
			if n = h.Decide(15*at*second, w).Replicas; n < h.Min || n > h.Max {
				t.Fatalf("%d replicas outside %d..%d", n, h.Min, h.Max)
			}
		}
		if len(h.recommendations) > 25 || len(h.added) > 25 || len(h.removed) > 25 {
			t.Fatal("the history grows")
		}
	}
}

func TestQueueLengthScalesToZeroAndBack(t *testing.T) {
	q := NewQueueLength("queue", 20)
	q.Min = 0
	n := int32(1)
	step := func(at, messages int64) int32 {
		w := &Workload{Replicas: n, Current: n, Metrics: []Sample{{Name: "queue", Milli: 1000 * messages}}}
		n = q.Decide(at*second, w).Replicas
		return n
	}
	for _, c := range []struct {
		at, messages int64
		want         int32
	}{
		{0, 100, 4}, {15, 100, 5}, {30, 0, 5}, // doubled or four at most; held for 300 s
		{300, 0, 5}, {315, 0, 5}, {330, 0, 0}, // the cooldown began with the last poll that saw messages, at 0 s
		{345, 50, 0}, {360, 50, 1}, {375, 50, 3},
	} {
		if got := step(c.at, c.messages); got != c.want {
			t.Errorf("at %d s with %d messages: %d, want %d", c.at, c.messages, got, c.want)
		}
	}
}

// 1440 one-minute samples of one core: the recommendation of the real recommender.
func TestVPARecommendation(t *testing.T) {
	v := NewVPA()
	for i := range int64(1440) {
		v.AddCPU(i*60*second, 1, 1)
	}
	r, ok := v.Recommend()
	if want := (Bounds{1168, 1165, 2336}); !ok || r.CPU != want {
		t.Errorf("%+v, want %+v", r.CPU, want)
	}
}

// Each OOM raises what the pod is taken to use: 512 -> 614.4 -> 737.3 -> 884.7 MiB.
func TestVPAAfterOOM(t *testing.T) {
	v, used := NewVPA(), 512.0*(1<<20)
	for _, mib := range []float64{614.4, 737.28, 884.736} {
		v.AddOOM(0, "pod", used)
		used = v.peaks["pod"].value
		if got := used / (1 << 20); got < mib-.001 || got > mib+.001 {
			t.Errorf("%v MiB, want %v", got, mib)
		}
	}
}

func TestVPADecides(t *testing.T) {
	v := NewVPA()
	w := workload(pods(3, 1500))
	for i := range w.Pods {
		w.Pods[i].Requests = append(w.Pods[i].Requests, Sample{Name: "memory", Milli: 1000 * (600 << 20)})
		w.Pods[i].Metrics = append(w.Pods[i].Metrics, Sample{Name: "memory", Milli: 1000 * (400 << 20)})
	}
	for minute := range int64(24 * 60) {
		for i := range w.Pods {
			for j := range w.Pods[i].Metrics {
				w.Pods[i].Metrics[j].At = minute * 60 * second
			}
		}
		d := v.Decide(minute*60*second, w)
		if d.Replicas != 3 {
			t.Fatal("a vertical autoscaler changed the replicas")
		}
		if d.CPURequestMilli > 0 {
			if d.CPURequestMilli < 1600 || d.CPURequestMilli > 1900 { // 1.5 cores and 15 %, to a bucket
				t.Errorf("minute %d: %+v", minute, d)
			}
			return
		}
	}
	t.Error("a request of 1 core was left alone with a use of 1.5")
}

func TestNoOpAndStatic(t *testing.T) {
	w := workload(pods(3, 1))
	if (NoOp{}).Decide(0, w).Replicas != 3 || (Static{7}).Decide(0, w).Replicas != 7 {
		t.Error("no-op or static")
	}
}
