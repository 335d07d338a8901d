package scenario

import (
	"bytes"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/sim"
)

// diurnalNumbers are those of scenarios.md: peak, mean and min of the day.
func diurnalNumbers(t *testing.T, s *Scenario, off float64) {
	t.Helper()
	r := s.Clients[0].Load.Rate
	least, mean := math.Inf(1), r.Between(s.Warmup, s.End())/(float64(s.Duration)/1e9)
	for at := s.Warmup; at < s.End(); at += 1e9 {
		least = min(least, r.At(at))
	}
	for _, n := range []struct{ got, want float64 }{{r.Max(), 600}, {mean, 78}, {least, 18}} {
		if math.Abs(n.got-n.want) > off {
			t.Errorf("peak %v, mean %v, min %v: want 600, 78, 18", r.Max(), mean, least)
		}
	}
}

func TestDiurnalWithoutItsFileIsACurveWithItsNumbers(t *testing.T) {
	missing := func(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist }
	for _, o := range []Options{{}, {Open: missing}} {
		s, err := Load("diurnal", o)
		if err != nil {
			t.Fatal(err)
		}
		diurnalNumbers(t, s, .05)
		if len(s.Notes) != 1 || !strings.HasPrefix(s.Notes[0], "load: generated") {
			t.Errorf("notes %q", s.Notes)
		}
	}
}

func TestDiurnalWithItsFile(t *testing.T) {
	dir := os.Getenv("SCALE_EVAL_WORKLOADS")
	if data := os.Getenv("SCALE_EVAL_DATA"); dir == "" && data != "" {
		dir = filepath.Join(data, "..", "workloads")
	}
	if dir == "" {
		t.Skip("set SCALE_EVAL_WORKLOADS to the folder with wc98_1998-07-07_per_minute.csv")
	}
	s, err := Load("diurnal", Options{Open: func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) }})
	if err != nil {
		t.Fatal(err)
	}
	diurnalNumbers(t, s, .5) // the numbers are rounded
	if len(s.Notes) != 1 || !strings.HasPrefix(s.Notes[0], "load: recorded") {
		t.Errorf("notes %q", s.Notes)
	}
}

// TestRunsRepeat: two runs of a scenario write the same event log, byte for byte,
// and another share of the load writes another.
func TestRunsRepeat(t *testing.T) {
	log := func(share float64) []byte {
		sys, _, err := until(t, "cold-start", 700e9).Start(7, share, nil)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		l := sim.NewEventLog(&b)
		sys.OnEvent(l.Event)
		sys.OnRequest(l.Request)
		if err := sys.Run(1000e9); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one := log(1)
	if !bytes.Equal(one, log(1)) || bytes.Equal(one, log(1.2)) || len(one) < 10_000 {
		t.Errorf("%d bytes of log", len(one))
	}
}

func TestJudge(t *testing.T) {
	s := load(t, "db-bottleneck")
	for _, c := range []struct {
		service string
		d       live.Direction
		k       live.Kind
		want    Verdict
	}{
		{"db", live.Up, live.Vertical, Right}, {"db", live.Up, live.Horizontal, Right},
		{"workers", live.Up, live.Horizontal, Trapped}, {"workers", live.Down, live.Horizontal, Wrong},
	} {
		if got := s.Judge(Action{c.service, c.d, c.k}); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.service, c.d, c.k, got, c.want)
		}
	}
}

func TestTimeline(t *testing.T) {
	got := load(t, "boutique").Timeline()
	want := []Entry{
		{300e9, 900e9, "1500 users of users", false},
		{300e9, 900e9, "catalog +0.06 s", true},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v", got)
	}
}

// The rates of Online Boutique at 1000 users, requests per second, within three
// deviations of 600 s: scenarios.md has them from the source's load generator.
func TestBoutiqueCalls(t *testing.T) {
	if raceDetector {
		t.Skip("ten minutes of 1000 users: left to plain runs")
	}
	s := load(t, "boutique-currency")
	s.Events = nil
	s.Clients[0].Users = 1000
	for i := range s.Services {
		s.Services[i].Pod.CPU = 0 // answers at once, so that only the users' thoughts count
	}
	sys, _, err := s.Start(1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.Run(100e9); err != nil {
		t.Fatal(err)
	}
	sys.ResetStats()
	if err := sys.Run(700e9); err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]float64{
		"frontend": 268, "catalog": 1431, "currency": 770, "cart": 258, "recommendation": 191, "ad": 153,
		"shipping": 77, "checkout": 9.6, "payment": 9.6, "email": 9.6,
	} {
		got := float64(sys.Stats(service).Arrivals) / 600
		if math.Abs(got-want) > .03*want+3*math.Sqrt(want/600) {
			t.Errorf("%s: %.1f rps, want %v", service, got, want)
		}
	}
}
