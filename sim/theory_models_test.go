package sim

import (
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim/random"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

func mmc(name string, lambda, mu float64, c int, warm, step float64, slow bool, C, wq, lq, l float64, q [3]float64, half float64) experiment {
	e := experiment{
		name: name, warm: warm, step: step, slow: slow,
		topology: func() *Topology { return single(station("m", c, exp(1/mu)), lambda) },
		within:   []float64{q[0], q[1], q[2], .5},
		checks: []check{
			{"C", C, stats("m", waitProbability)}, {"Wq", wq, stats("m", Stats.MeanWait)},
			{"W", wq + 1/mu, meanT}, {"Lq", lq, stats("m", Stats.MeanWaiting)}, {"L", l, stats("m", Stats.MeanPresent)},
			{"P(T<=p50)", .5, share(q[0])}, {"P(T<=p95)", .95, share(q[1])}, {"P(T<=p99)", .99, share(q[2])},
			{"P(T<=0.5s)", 1 - half, share(.5)},
		},
	}
	m := markov{lambda, mu, c, 0}
	return e.controlled(lambda, 1/mu).martingales(m, measure{m.waits, true, []string{"C"}}, measure{m.waiting, false, []string{"Lq", "Wq"}},
		measure{everyone, false, []string{"L", "W"}}, measure{m.within(q[0]), true, []string{"P(T<=p50)"}}, measure{m.within(q[1]), true, []string{"P(T<=p95)"}},
		measure{m.within(q[2]), true, []string{"P(T<=p99)"}}, measure{m.within(.5), true, []string{"P(T<=0.5s)"}})
}

// waits is M/M/1 again. A call that nobody waits for, to a service without work, makes
// a span at the moment at which a request gets the thread: what comes before is the
// wait of each request.
func waits() experiment {
	const p95 = 13.8629436111989062
	s := station("m", 1, exp(1))
	mark := to("mark")
	mark.Async = true
	s.Operations[0].Stages = append([]Stage{{Calls: []Call{mark}}}, s.Operations[0].Stages...)
	instant := station("mark", 0, nil)
	return experiment{
		name: "M/M/1 waits", warm: 1000, step: 1000, within: []float64{0, p95},
		topology: func() *Topology {
			return &Topology{Services: []Service{s, instant}, Clients: []Client{poisson("client", "m", .8)}}
		},
		observe: func(p *probe) {
			begun := map[trace.SpanID]int64{}
			p.sys.OnSpan(0, func(sp *trace.Span) {
				if sp.Service == "mark" {
					begun[sp.ParentID] = sp.Start
					return
				}
				at, ok := begun[sp.ID]
				if !ok {
					return // it began in the warm-up
				}
				delete(begun, sp.ID)
				p.outcome("client", float64(at-sp.Start)/1e9)
			})
		},
		checks: []check{{"Wq", 4, meanT}, {"P(Wq=0)", .2, share(0)}, {"P(Wq<=p95)", .95, share(p95)}},
	}
}

func mg1(name string, d random.Dist, scv, third, wq, l, sd float64) experiment {
	// The sojourn is a wait and an independent service, so its second moment follows
	// from the closed forms of the wait.
	second := sd*sd + scv + (wq+1)*(wq+1)
	e := experiment{
		name: "M/G/1 " + name, warm: 500 * (1 + scv), step: 1500,
		topology: func() *Topology { return single(station("m", 1, d), .8) },
		checks: []check{
			{"Wq", wq, stats("m", Stats.MeanWait)}, {"L", l, stats("m", Stats.MeanPresent)},
			{"E[T²]", second, func(p *probe) float64 { return p.squares / p.n }},
		},
	}
	if scv == 0 {
		return e.controlled(.8).lindley(.8, 1) // a constant says nothing by itself
	}
	return e.controlled(.8, 1, 1+scv, third).lindley(.8, 1+scv)
}

func mmcK(name string, lambda, mu float64, c, k int, warm, step, block, thr, l, lq, w, wq float64) experiment {
	s := station("m", c, exp(1/mu))
	s.Queue.Max = k - c
	if k == c {
		s.Queue.Max = NoQueue
	}
	checks := []check{
		{"Pblock", block, stats("m", func(s Stats) float64 { return float64(s.Rejected) / float64(s.Arrivals) })},
		{"throughput", thr, throughput}, {"L", l, stats("m", Stats.MeanPresent)}, {"W", w, meanT},
		{"idle share", 1 - thr/mu/float64(c), func(p *probe) float64 {
			worked := p.sys.services[0].ready[0].cpu.workedUntil() - p.worked
			return 1 - worked/1e9/p.sys.Stats("m").Seconds()/float64(c)
		}},
	}
	if lq > 0 {
		checks = append(checks, check{"Lq", lq, stats("m", Stats.MeanWaiting)}, check{"Wq", wq, stats("m", Stats.MeanWait)})
	}
	e := experiment{
		name: name, warm: warm, step: step, checks: checks,
		topology: func() *Topology { return single(s, lambda) },
	}
	if k == c {
		return e // losses are not rare
	}
	m := markov{lambda, mu, c, k}
	return e.controlled(lambda, 1/mu).martingales(m, measure{m.lost, true, []string{"Pblock"}}, measure{m.waiting, false, []string{"Lq", "Wq"}},
		measure{everyone, false, []string{"L", "W"}})
}

func erlangB(name string, a float64, c int, block float64) experiment {
	carried := a * (1 - block)
	return mmcK(name, a, 1, c, c, 20, 40, block, carried, carried, 0, 1, 0)
}

func erlangA(name string, lambda, mu, theta float64, c int, warm, step, wait, abandon, lq, wq, thr float64) experiment {
	s := station("m", c, exp(1/mu))
	s.Queue.Patience = exp(1 / theta)
	return experiment{
		name: name, warm: warm, step: step,
		topology: func() *Topology { return single(s, lambda) },
		checks: []check{
			{"P(no wait)", 1 - wait, stats("m", func(s Stats) float64 { return 1 - waitProbability(s) })},
			{"Pab", abandon, stats("m", func(s Stats) float64 { return float64(s.Abandoned) / float64(s.Arrivals) })},
			{"Lq", lq, stats("m", Stats.MeanWaiting)},
			{"Wq of all", wq, stats("m", func(s Stats) float64 { return s.MeanWaiting() * s.Seconds() / float64(s.Arrivals) })},
			{"throughput", thr, throughput},
		},
	}
}

// front is a service without work of its own that makes calls in stages.
func front(stages ...[]Call) Service {
	op := Operation{Name: "call"}
	for _, calls := range stages {
		op.Stages = append(op.Stages, Stage{Calls: calls})
	}
	return Service{Name: "front", Replicas: 1, Operations: []Operation{op}}
}

func to(name string) Call { return Call{Service: name} }

func tandem() experiment {
	return experiment{
		name: "tandem", warm: 400, step: 1000, within: []float64{4.41394742631832321, 12.884481995725086, 18.3535601715255131},
		topology: func() *Topology {
			return &Topology{
				Services: []Service{front([]Call{to("a")}, []Call{to("b")}), station("a", 1, exp(1)), station("b", 1, exp(1/.8))},
				Clients:  []Client{poisson("client", "front", .5)},
			}
		},
		checks: []check{
			{"mean", 5.33333333333333333, meanT}, {"p50", .5, share(4.41394742631832321)},
			{"p95", .95, share(12.884481995725086)}, {"p99", .99, share(18.3535601715255131)},
		},
	}
}

func jackson() experiment {
	a, b, c := station("a", 1, exp(1./8)), station("b", 2, exp(1./2)), station("c", 1, exp(1./3))
	a.Operations[0].Forward = []Route{{Service: "b", Probability: .6}, {Service: "c", Probability: .4}}
	b.Operations[0].Forward = []Route{{Service: "a", Probability: .2}}
	rate := func(s Stats) float64 { return float64(s.Arrivals) / s.Seconds() }
	return experiment{
		name: "Jackson", warm: 300, step: 200,
		topology: func() *Topology {
			return &Topology{Services: []Service{a, b, c}, Clients: []Client{poisson("client", "a", 5)}}
		},
		checks: []check{
			{"λ1", 5.68181818181818182, stats("a", rate)}, {"λ2", 3.40909090909090909, stats("b", rate)},
			{"λ3", 2.27272727272727273, stats("c", rate)},
			{"L1", 2.45098039215686275, stats("a", Stats.MeanPresent)}, {"L2", 6.2293534686172723, stats("b", Stats.MeanPresent)},
			{"L3", 3.125, stats("c", Stats.MeanPresent)}, {"W", 2.36106677215482701, meanT},
			{"L", 11.805333860774135, func(p *probe) float64 {
				return p.sys.Stats("a").MeanPresent() + p.sys.Stats("b").MeanPresent() + p.sys.Stats("c").MeanPresent()
			}},
		},
	}
}

func forkJoin() experiment {
	return experiment{
		name: "fork-join", warm: 1000, step: 1000,
		topology: func() *Topology {
			return &Topology{
				Services: []Service{front([]Call{to("a"), to("b")}), station("a", 1, exp(1)), station("b", 1, exp(1))},
				Clients:  []Client{poisson("client", "front", .8)},
			}
		},
		checks: []check{{"R", 7, meanT}},
	}
}

func fanOut(n int, want float64) experiment {
	calls := []Call{{Service: "a", Times: n}}
	return experiment{
		name: fmt.Sprintf("fan-out of %d", n), warm: 20, step: 500,
		topology: func() *Topology {
			return &Topology{
				Services: []Service{front(calls), station("a", 0, exp(1))},
				Clients:  []Client{poisson("client", "front", 1)},
			}
		},
		checks: []check{{"mean of the slowest", want, meanT}},
	}
}

func closed(n int, x, r, q1, q2 float64) experiment {
	return experiment{
		name: fmt.Sprintf("closed network of %d", n), warm: 60, step: 100,
		topology: func() *Topology {
			return &Topology{
				Services: []Service{front([]Call{to("a")}, []Call{to("b")}), station("a", 1, exp(.05)), station("b", 1, exp(.08))},
				Clients:  []Client{{Name: "users", Mix: []Choice{{to("front"), 1}}, Users: n, Think: exp(1)}},
			}
		},
		checks: []check{
			{"X", x, throughput}, {"R", r, meanT},
			{"Q1", q1, stats("a", Stats.MeanPresent)}, {"Q2", q2, stats("b", Stats.MeanPresent)},
		},
	}
}

// The Mt/M/inf queue is linear in the rate, so it is simulated at a hundredth of the
// load, where a relative error costs the same number of events.
func mtMinf() experiment {
	const cycle, lag, steps = 3600., 59.7821073471430761, 1440
	var points []traffic.Point
	for i := range steps + 1 {
		t := cycle * float64(i) / steps
		points = append(points, traffic.Point{At: ns(t), PerSecond: 1 + .8*math.Sin(2*math.Pi*t/cycle)})
	}
	return experiment{
		name: "Mt/M/inf", warm: cycle, step: cycle, cycle: cycle, phases: []float64{lag, lag + cycle/4, lag + cycle*3/4},
		topology: func() *Topology {
			r, err := traffic.NewRate(points...)
			if err == nil {
				r, err = r.Repeat(ns(cycle))
			}
			if err != nil {
				panic(err)
			}
			s := station("m", 0, nil)
			s.Operations[0].Stages[0].Wait = exp(60)
			return &Topology{Services: []Service{s}, Clients: []Client{{Name: "client", Mix: []Choice{{to("m"), 1}}, Arrivals: traffic.Poisson(r)}}}
		},
		checks: []check{
			{"mean", 60, stats("m", Stats.MeanPresent)}, {"at the lag", 60, present(lag)},
			{"max", 107.738955602060316, present(lag + cycle/4)}, {"min", 60 - 47.7389556020603158, present(lag + cycle*3/4)},
		},
	}
}

func sharing() experiment {
	s := station("m", 0, random.Constant(.5))
	s.Pod.CPU = 1
	s.Operations = append(s.Operations, Operation{Name: "long", Stages: []Stage{{CPU: random.Constant(1.5)}}})
	long := poisson("long", "m", .4)
	long.Mix[0].Call.Operation = "long"
	return experiment{
		name: "M/G/1-PS", warm: 1000, step: 1000,
		topology: func() *Topology {
			return &Topology{Services: []Service{s}, Clients: []Client{poisson("short", "m", .4), long}}
		},
		checks: []check{{"E[T]", 5, meanT}, {"E[T|0.5]", 2.5, meanOf("short")}, {"E[T|1.5]", 7.5, meanOf("long")}},
	}
}

func priorities() experiment {
	urgent := poisson("urgent", "m", .3)
	urgent.Mix[0].Call.Priority = 1
	return experiment{
		name: "Cobham", warm: 1000, step: 1000,
		topology: func() *Topology {
			return &Topology{Services: []Service{station("m", 1, exp(1))}, Clients: []Client{urgent, poisson("other", "m", .5)}}
		},
		checks: []check{{"Wq1", 1.14285714285714286 + 1, meanOf("urgent")}, {"Wq2", 5.71428571428571429 + 1, meanOf("other")}},
	}
}

func md1() experiment {
	e := mg1("D", random.Constant(1), 0, 1, 2, 2.4, 2.30940107675850306)
	e.within = []float64{1}
	e.checks = append(e.checks, check{"P(Wq=0)", .2, share(1)})
	return e
}

// The line P(T>0.5s) of M/M/1 is e^(-0.1).
func experiments() []experiment {
	all := []experiment{
		mmc("M/M/1", .8, 1, 1, 1000, 1000, false, .8, 4, 3.2, 4,
			[3]float64{3.46573590279972655, 14.978661367769955, 23.0258509299404568}, math.Exp(-.1)),
		mmc("M/M/10", 8, 1, 10, 50, 100, false, .409180150796443532, .204590075398221766, 1.63672060318577413, 9.63672060318577413,
			[3]float64{.912144610606977726, 3.32827467856012324, 4.94611132761145323}, .704182001303072999),
		mmc("M/M/2", 3, 2, 2, 60, 200, false, .642857142857142857, .642857142857142857, 1.92857142857142857, 3.42857142857142857,
			[3]float64{.844033961452105876, 3.23829049948482091, 4.85475172089348991}, .674716722152973738),
		mmc("M/M/100 at 95 %", 950, 10, 100, 16, 20, true, .506456853913020591, .0101291370782604118, 9.62268022434739123, 104.622680224347391,
			[3]float64{.0807915897374043631, .311494870121193737, .472438704894915226}, .00759106685707443198),
		mmc("M/M/100 at 99 %", 990, 10, 100, 400, 400, true, .882768462610084471, .0882768462610084471, 87.3940777983983626, 186.394077798398363,
			[3]float64{.155846682387696684, .462087948148734533, .651488019947634526}, .0364781825667400172),
		mmc("M/M/100 at 99.9 %", 999, 10, 100, 40_000, 4_000, true, .987839083559650096, .987839083559650096, 986.851244476090446, 1086.75124447609045,
			[3]float64{.786197060142178931, 3.08885732382152662, 4.69829523625570211}, .66506981772431625),
		waits(), md1(),
		mg1("Erlang-2", random.Must(random.NewErlang(2, 1)), .5, 3, 3, 3.2, 3.60555127546398929),
		mg1("exponential", exp(1), 1, 6, 4, 4, 4.8989794855663562),
		mg1("gamma", random.Must(random.NewGamma(1, 4)), 4, 45, 10, 8.8, 12.6491106406735173),
		mg1("lognormal", random.Must(random.NewLognormal(1, 4)), 4, 125, 10, 8.8, 16.3299316185545207),
		sharing(),
		erlangB("Erlang B(10,8)", 8, 10, .12166106425295151),
		erlangB("Erlang B(100,100)", 100, 100, .0757004527108609705),
		erlangB("Erlang B(100,120)", 120, 100, .19626998945511363),
		erlangB("Erlang B(100,95)", 95, 100, .0488042061786778213),
		mmcK("M/M/1/10", .8, 1, 1, 10, 200, 500, .0234928575799056057, .781205713936075515, 2.96631426648415335, 2.18510855252807784, 3.79709750398328609, 2.79709750398328609),
		mmcK("M/M/10/15", 8, 1, 10, 15, 30, 60, .0300380336524195415, 7.75969573078064367, 8.39155046210204691, .631854731321403245, 1.08142777155745992, .0814277715574599174),
		mmcK("M/M/100/200", 1200, 10, 100, 200, 3, 1, .166666666970203016, 999.99999963575638, 195.000000196964725, 95.0000002333890868, .195000000267992231, .0950000002679922308),
		mmcK("M/M/100/150", 950, 10, 100, 150, 5, 5, .00202337246265666477, 948.077796160476168, 102.109309522536656, 7.30152990648903908, .107701403762495823, .00770140376249582299),
		erlangA("M/M/100+M overloaded", 1200, 10, 2, 100, 5, 2, .999989412716924929, .166667056621942956, 100.000233973165774, .083333528310971478, 999.999532053668453),
		erlangA("M/M/100+M", 950, 10, 2, 100, 5, 5, .418154868988725612, .00941654833543838033, 4.47286045933323066, .00470827416771919017, 941.054279081333539),
		erlangA("M/M/10+M", 8, 1, .5, 10, 30, 100, .31743435422290114, .0388213922980154524, .621142276768247238, .0776427845960309048, 7.68942886161587638),
		jackson(), tandem(), forkJoin(), fanOut(2, 1.5), fanOut(10, 2.92896825396825397),
		closed(10, 8.01840745972028929, .247130437089166799, .615426452371028841, 1.36616608790868187),
		closed(20, 12.0787406282429063, .655801760759341582, 1.43200614270859223, 6.48925322904850145),
		closed(50, 12.4999994725870482, 3.0000001687721517, 1.66666448669312183, 35.83333604071983),
		mtMinf(), priorities(),
	}
	long := map[string]bool{"Erlang B(100,120)": true, "Erlang B(100,95)": true, "M/M/100/200": true, "M/M/100/150": true, "M/M/100+M overloaded": true, "M/M/100+M": true}
	for i := range all {
		all[i].slow = all[i].slow || long[all[i].name]
	}
	return all
}
