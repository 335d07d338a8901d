package experiment

import (
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
)

// firstLook is when an autoscaler first decides: after a scrape of the metrics, ns.
const firstLook = 15e9

// asking is a policy with an autoscaler of its own on every target for which make has
// one.
func asking(name, doc string, make func(e *Env, t *Target, spec *sim.Service) policy.Autoscaler) Policy {
	return Policy{Name: name, Doc: doc, Asks: true, Start: func(e *Env) (func() error, error) {
		for i := range e.Case.Targets {
			t := &e.Case.Targets[i]
			if a := make(e, t, serviceOf(e.Topology, t.Service)); a != nil {
				e.Autoscale(t.Service, a)
			}
		}
		return nil, nil
	}}
}

func none() Policy {
	return asking("none", "does nothing: the lower bound of cost", func(*Env, *Target, *sim.Service) policy.Autoscaler { return nil })
}

// paceKnobs are how fast an HPA may change its mind: spec.behavior. Defaults are what the
// API server fills in (kubernetes.io/docs, Horizontal Pod Autoscaling, "Default
// behavior"); windows may be 0 to 3600 s there.
var paceKnobs = []Knob{
	{"up_window_s", "0,15,30,60,120", "0", "scaleUp.stabilizationWindowSeconds; 0 is the API server's default"},
	{"up_percent", "25,50,100,200,400", "100", "scaleUp policy, percent in 15 s, beside 4 pods in 15 s; 100 is the default"},
	{"down_window_s", "0,30,60,120,180,300,450,600", "300", "scaleDown.stabilizationWindowSeconds; 300 is the default"},
	{"down_percent", "10,25,50,100", "100", "scaleDown policy, percent in 15 s; 100 is the default"},
}

// behavior is nil, as in an HPA without spec.behavior, where every pace is the default.
func (s settings) behavior() *policy.Behavior {
	if !slices.ContainsFunc(paceKnobs, func(k Knob) bool { return s[k.Name] != k.number(k.Default) }) {
		return nil
	}
	b := policy.DefaultBehavior()
	b.Up.Window, b.Down.Window = s.nanoseconds("up_window_s"), s.nanoseconds("down_window_s")
	b.Up.Policies[1].Percent, b.Down.Policies[0].Percent = int32(s["up_percent"]), int32(s["down_percent"])
	return b
}

var hpaKnobs = append([]Knob{
	{"cpu_percent", "30..95:5", "70", "target utilisation of the CPU request; 70 is common practice and what the suite plays, the API server fills in 80 where no metric is named"},
}, paceKnobs...)

func hpa() Policy {
	return tunable(hpaKnobs, func(s settings) Policy {
		return asking("hpa", "HorizontalPodAutoscaler on 70 % of the CPU request", func(_ *Env, t *Target, spec *sim.Service) policy.Autoscaler {
			if spec.Pod.CPURequest == 0 {
				return nil // the controller cannot compute a utilisation either
			}
			h := policy.NewHPA(int32(t.Min), int32(t.Max), policy.CPU(int32(s["cpu_percent"])))
			h.Behavior = s.behavior()
			return h
		})
	})
}

// kedaKnobs: keda.sh/docs, "ScaledObject specification" and "RabbitMQ Queue" scaler.
var kedaKnobs = append([]Knob{
	{"queue_length", "1..100:log", "20", "waiting requests a replica; 20 is the RabbitMQ scaler's default"},
	{"activation", "0,1,2,5,10", "0", "active above so many; activationValue, default 0. Matters at zero replicas only"},
	{"polling_s", "5,10,15,30,60", "30", "pollingInterval; matters between zero and one replica only"},
	{"cooldown_s", "30,60,120,300,600,900", "300", "cooldownPeriod before zero replicas"},
}, paceKnobs...)

func keda() Policy {
	return tunable(kedaKnobs, func(s settings) Policy {
		return asking("keda", "KEDA-style: a replica for 20 requests that wait", func(_ *Env, t *Target, spec *sim.Service) policy.Autoscaler {
			if spec.Pod.Threads == 0 && !spec.Queue.Central {
				return nil // nothing ever waits there: an empty queue would say scale down
			}
			q := policy.NewQueueLength(sim.MetricQueue, int64(s["queue_length"]))
			q.Activation, q.Polling, q.Cooldown = int64(s["activation"]), s.nanoseconds("polling_s"), s.nanoseconds("cooldown_s")
			q.Min, q.Max, q.Behavior = int32(t.Min), int32(t.Max), s.behavior()
			return q
		})
	})
}

// vpaKnobs are flags of the recommender, v1.8.1. Left out is the percentile of the upper
// bound: with the history of an hour its confidence factor makes it so wide that no
// request is above.
var vpaKnobs = []Knob{
	{"target_percentile", "0.5..0.99", "0.9", "--target-cpu-percentile and --target-memory-percentile"},
	{"lower_percentile", "0.1..0.9", "0.5", "--recommendation-lower-bound-cpu-percentile and -memory-percentile"},
	{"margin", "0.0..1.0", "0.15", "--recommendation-margin-fraction"},
	{"oom_factor", "1.0..3.0", "1.2", "--oom-bump-up-ratio"},
	{"oom_bump_mib", "10..1000:log", "100", "--oom-min-bump-up-bytes"},
}

func vpa() Policy {
	return tunable(vpaKnobs, func(s settings) Policy {
		return asking("vpa", "VerticalPodAutoscaler: requests and limits follow usage", func(_ *Env, t *Target, spec *sim.Service) policy.Autoscaler {
			if !t.resizable() || spec.Pod.CPURequest == 0 && spec.Pod.MemoryRequestMiB == 0 {
				return nil
			}
			v := policy.NewVPA()
			v.Target, v.Lower = s["target_percentile"], min(s["lower_percentile"], s["target_percentile"])
			v.Margin, v.OOMFactor, v.OOMBump = s["margin"], s["oom_factor"], s["oom_bump_mib"]*(1<<20)
			return v
		})
	})
}

// rateShare is the knob that both policies on the request rate have.
var rateShare = Knob{"rate_percent", "40..95:5", "70", "of what the load test says that a replica can do; 70 is as for the CPU"}

// perReplica is the rate that a replica shall have; 0: the load test found no limit.
func (s settings) perReplica(e *Env, service string) float64 {
	most := s[rateShare.Name] / 100 * e.Calibration.Services[service].PerSecond
	if math.IsInf(most, 0) || math.IsNaN(most) || most > 1e6 || most <= 0 {
		return 0
	}
	return most
}

var rateKnobs = append([]Knob{rateShare}, paceKnobs...)

func rate() Policy {
	return tunable(rateKnobs, func(s settings) Policy {
		return asking("rate", "HPA on requests a second: 70 % of what a load test found", func(e *Env, t *Target, _ *sim.Service) policy.Autoscaler {
			r := s.perReplica(e, t.Service)
			if r == 0 {
				return nil
			}
			h := policy.NewHPA(int32(t.Min), int32(t.Max), policy.RequestRate(r))
			h.Behavior = s.behavior()
			return h
		})
	})
}

// forecastKnobs: the smoothing of Holt's method has no documented default; those here are
// what the suite plays. A trend_smoothing of 0 is simple exponential smoothing.
var forecastKnobs = []Knob{
	rateShare,
	{"horizon_steps", "1..16", "4", "decisions of 15 s ahead; 4 is a minute, in which a pod starts"},
	{"standard_errors", "0.0..3.0", "1.645", "of the forecast on top; 1.645 is its 95th percentile"},
	{"level_smoothing", "0.1..0.9", "0.5", "alpha"},
	{"trend_smoothing", "0,0.02,0.05,0.1,0.2,0.4", "0.1", "beta; 0 is a model without a trend"},
}

func forecast() Policy {
	return tunable(forecastKnobs, func(s settings) Policy {
		return asking("forecast", "Holt-Winters-like forecast of the rate, 70 % of what a load test found", func(e *Env, t *Target, _ *sim.Service) policy.Autoscaler {
			r := s.perReplica(e, t.Service)
			if r == 0 {
				return nil
			}
			f := policy.NewHoltWintersLike(int32(t.Min), int32(t.Max), r)
			f.Horizon, f.Quantile = int(s["horizon_steps"]), s["standard_errors"]
			f.Alpha, f.Beta = s["level_smoothing"], s["trend_smoothing"]
			return f
		})
	})
}
