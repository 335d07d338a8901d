package sim

import (
	"math"
	"testing"
)

// The database of scenario 2 peaks at 527 requests a second with 70 of them, 26.3
// times what one alone gets: at 440 a second a metrics server sees 83 % of its core,
// not 22 cores.
func TestAPodUnderALawUsesItsLimitAtItsPeak(t *testing.T) {
	law := USL{Sigma: .01, Kappa: .0002}
	if got := 20 * law.Peak(); math.Abs(got-527) > 1 {
		t.Errorf("peak %v requests a second, want 527", got)
	}
	if got := (USL{Sigma: .1}).Peak(); got != 10 {
		t.Errorf("peak %v without coherency, want 1/0.1", got)
	}
	s := bottleneck(t)
	m := NewMetricsServer(s, MetricsResolution)
	run(t, s, 58)
	for _, sample := range m.Workload("db").Pods[0].Metrics {
		if sample.Name == "cpu" && (sample.Milli < 790 || sample.Milli > 880) {
			t.Errorf("%d m of CPU, want some 835", sample.Milli)
		}
	}
}
