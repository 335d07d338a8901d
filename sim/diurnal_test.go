package sim

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/scale-eval/scale-eval/sim/policy"
	"github.com/scale-eval/scale-eval/sim/traffic"
)

// worldCup is the load of a day of the 1998 World Cup site, requests a minute.
func worldCup(t testing.TB) *traffic.Counts {
	dir := os.Getenv("SCALE_EVAL_WORKLOADS")
	if data := os.Getenv("SCALE_EVAL_DATA"); dir == "" && data != "" {
		dir = filepath.Join(data, "..", "workloads")
	}
	if dir == "" {
		t.Skip("set SCALE_EVAL_WORKLOADS to the folder with wc98_1998-07-07_per_minute.csv")
	}
	name := "wc98_1998-07-07_per_minute.csv"
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, _, err := traffic.ReadCounts(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// diurnal is a service of one-core pods under an HPA at 50 %, with a load of so much
// of the recorded one and requests of so many seconds.
func diurnal(t testing.TB, scale, seconds float64) *System {
	web := station("web", 0, exp(seconds))
	web.Replicas, web.Balance = 10, PowerOfTwo
	web.Pod.CPU, web.Pod.CPURequest = 1, 1
	web.Lifecycle = Lifecycle{Bind: constant(.5), Start: constant(6), ProbePeriod: 5e9, Drain: 30e9}
	arrivals := traffic.Poisson(worldCup(t).Rate().Scale(scale))
	s := build(t, with(Client{Name: "c", Mix: []Choice{{to("web"), 1}}, Arrivals: arrivals}, web), 1)
	NewMetricsServer(s, MetricsResolution).Autoscale("web", policy.NewHPA(1, 100, policy.CPU(50)), 15e9)
	return s
}

// Between 1.8 and 60 requests a second of 0.25 s the HPA needs 1 to 30 pods and some.
func TestHPAFollowsADay(t *testing.T) {
	s := diurnal(t, .01569, .25)
	least, most := 999, 0
	for hour := range 24 {
		run(t, s, 3600*float64(hour+1))
		n, _ := s.Replicas("web")
		least, most = min(least, n), max(most, n)
		if err := s.Audit(); err != nil {
			t.Fatal(err)
		}
	}
	st := s.Stats("web")
	if least > 8 || most < 20 || most > 50 || st.MeanStay() > .5 || st.Completions < 600_000 {
		t.Errorf("%d..%d pods, %v s a request, %+v", least, most, st.MeanStay(), st)
	}
}
