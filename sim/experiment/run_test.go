package experiment

import (
	"bytes"
	"context"
	"testing"
)

func calibrate(t *testing.T, c *Case) *Calibration {
	t.Helper()
	cal, err := c.Calibrate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return cal
}

func played(t *testing.T, c *Case, cal *Calibration, name string, seed uint64) *Measures {
	t.Helper()
	p, err := PoliciesNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := Run(context.Background(), c, cal, p[0], seed, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The load test finds what a pod can do: 1 core / 100 ms = 10 a second. At 100 a
// second the oracle needs more than ten pods, of which ten are busy all the time,
// and far less than twice that.
func TestCalibration(t *testing.T) {
	c := webCase(t)
	cal := calibrate(t, c)
	if got := cal.Services["web"].PerSecond; got < 9 || got > 11 {
		t.Errorf("%v requests a second and pod, want 10", got)
	}
	d := cal.Demands[0]
	if calm, busy := d.Pods[0], d.Pods[4]; !d.Remedy || busy < 11 || busy > 18 || calm < 4 || calm > 7 {
		t.Errorf("demand %v", d)
	}
}

// Doing nothing misses the objective for as long as the load is high, and until the
// backlog is gone; the oracle does not, at the least cost; the policies lie between.
func TestPoliciesBetweenTheirBounds(t *testing.T) {
	c := webCase(t)
	cal := calibrate(t, c)
	got := map[string]*Measures{}
	for _, p := range append(Policies(), static()) {
		m := played(t, c, cal, p.Name, 7)
		got[p.Name] = m
		t.Logf("%-8s violated %4.0f s %5.1f %%, p95 %7.0f ms, detect %4.0f decide %4.0f ready %4.0f recover %4.0f, pods %6.0f over %6.0f, actions %2d reversals %d right %d wrong %d %+v",
			p.Name, m.ViolatedSeconds, m.ViolatedRequests, m.P95, m.Detect, m.Decide, m.Ready, m.Recover, m.PodSeconds, m.OverSeconds, m.Actions, m.Reversals, m.Right, m.Wrong, m.Elasticity)
	}
	none, oracle := got["none"], got["oracle"]
	if none.ViolatedSeconds < 280 || none.Actions != 0 || none.Missed != 1 || none.Decide != -1 {
		t.Errorf("none: %+v", none)
	}
	if oracle.ViolatedSeconds > 30 || oracle.Missed != 0 || oracle.Wrong != 0 {
		t.Errorf("oracle: %+v", oracle)
	}
	if s := got["static"]; s.Actions > 1 || s.PodSeconds <= oracle.PodSeconds || s.ViolatedSeconds > 30 {
		t.Errorf("static: %+v", s)
	}
	for _, name := range []string{"scale", "hpa", "rate", "forecast"} {
		if m := got[name]; m.ViolatedSeconds >= none.ViolatedSeconds || m.Right == 0 || m.Wrong > 0 || m.Decide < 0 || m.Detect > m.Decide || m.Ready < m.Decide {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Common random numbers: a policy sees the same requests as another one, and a run
// twice gives the same bytes.
func TestRunsAreDeterministic(t *testing.T) {
	c := webCase(t)
	cal := calibrate(t, c)
	for _, name := range []string{"scale", "vpa"} {
		p, _ := PoliciesNamed(name)
		var logs [2]bytes.Buffer
		for i := range logs {
			m, tl, err := Run(context.Background(), c, cal, p[0], 3, Options{EventLog: &logs[i], Timeline: true})
			if err != nil || m.Requests == 0 || len(tl.Load) != 900 {
				t.Fatalf("%v: %+v", err, m)
			}
		}
		if !bytes.Equal(logs[0].Bytes(), logs[1].Bytes()) || logs[0].Len() < 1e5 {
			t.Errorf("%s: two runs wrote different logs", name)
		}
	}
	a, b := played(t, c, cal, "none", 5), played(t, c, cal, "hpa", 5)
	if a.Requests != b.Requests {
		t.Errorf("%d and %d requests of one seed", a.Requests, b.Requests)
	}
}
