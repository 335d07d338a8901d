package traffic

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scale-eval/scale-eval/sim/random"
)

const second = int64(time.Second)

func rate(t testing.TB, points ...Point) Rate {
	t.Helper()
	r, err := NewRate(points...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func arrivals(a Arrivals, until int64, s *random.Stream) (at []int64) {
	for t := int64(0); ; {
		var ok bool
		if t, ok = a.Next(t, s); !ok || t > until {
			return at
		}
		at = append(at, t)
	}
}

// Around a rate of 2 a second the k-th deterministic arrival is at k/2 seconds; on
// the ramp t/10 the integral is t²/20, so the k-th is at √(20k).
func TestDeterministicArrivalsInvertTheIntegral(t *testing.T) {
	s := random.NewStream(1)
	for k, at := range arrivals(Deterministic(Constant(2)), 10*second, s) {
		if want := int64(k+1) * second / 2; at != want {
			t.Fatalf("arrival %d at %d, want %d", k, at, want)
		}
	}
	ramp := rate(t, Point{0, 0}, Point{100 * second, 10})
	got := arrivals(Deterministic(ramp), 100*second, s)
	if len(got) != 500 {
		t.Errorf("%d arrivals on the ramp, want 500", len(got))
	}
	for k, at := range got {
		if want := math.Sqrt(20 * float64(k+1)); math.Abs(float64(at)/1e9-want) > 1e-6 {
			t.Fatalf("arrival %d at %v s, want %v", k, float64(at)/1e9, want)
		}
	}
}

func TestStepsAndRepeats(t *testing.T) {
	steps := rate(t, Point{0, 200}, Point{120 * second, 200}, Point{120 * second, 800}, Point{240 * second, 800})
	flapping, err := steps.Repeat(240 * second)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   int64
		want float64
	}{{0, 200}, {119, 200}, {120, 800}, {239, 800}, {240, 200}, {400, 800}, {481, 200}} {
		if got := flapping.At(c.at * second); got != c.want {
			t.Errorf("rate at %d s: %v, want %v", c.at, got, c.want)
		}
	}
	if got := flapping.Between(60*second, 540*second); math.Abs(got-2*120*1000) > 1e-6 {
		t.Errorf("%v requests in two periods, want 240000", got)
	}
	if n := len(arrivals(Deterministic(flapping), 480*second, random.NewStream(1))); n < 239_999 || n > 240_000 {
		t.Errorf("%d arrivals in two periods", n)
	}
	if flapping.Max() != 800 || flapping.Scale(2).At(0) != 400 {
		t.Error("Max or Scale")
	}
}

func TestALoadThatEnds(t *testing.T) {
	s := random.NewStream(1)
	ends := rate(t, Point{0, 10}, Point{second, 10}, Point{second, 0})
	if n := len(arrivals(Deterministic(ends), math.MaxInt64/2, s)); n != 10 {
		t.Errorf("%d arrivals, want 10", n)
	}
	if _, ok := Poisson(Rate{}).Next(0, s); ok {
		t.Error("an arrival without a rate")
	}
	silent, err := rate(t, Point{0, 0}).Repeat(second)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := Poisson(silent).Next(0, s); ok {
		t.Error("an arrival in a silent period")
	}
}

// The count of a Poisson process has its mean for variance, whatever the rate does.
func TestPoissonCounts(t *testing.T) {
	r := rate(t, Point{0, 5}, Point{4 * second, 45}, Point{4 * second, 10}, Point{10 * second, 10})
	sum, squares, n := 0.0, 0.0, 2000.0
	s := random.NewStream(2)
	for range int(n) {
		k := float64(len(arrivals(Poisson(r), 10*second, s)))
		sum += k
		squares += k * k
	}
	mean, want := sum/n, 160.0
	if math.Abs(mean-want) > 5*math.Sqrt(want/n) {
		t.Errorf("mean count %v, want %v", mean, want)
	}
	if v := squares/n - mean*mean; math.Abs(v-want) > 5*want*math.Sqrt(2/n) {
		t.Errorf("variance %v, want %v", v, want)
	}
}

// Two states of 1 s and 3 s with 40/s and 0/s: 10/s in the long run, and the index of
// dispersion of an interrupted Poisson process, 1 + 2 λ on² off... (Fischer and
// Meier-Hellstern 1993, eq. for the IPP: 1 + 2 λ q12 / (q12+q21)²).
func TestMMPPRateAndDispersion(t *testing.T) {
	s := random.NewStream(3)
	m, err := NewMMPP(State{40, random.Exponential(1)}, State{0, random.Exponential(3)})
	if err != nil {
		t.Fatal(err)
	}
	const bins, width = 3000, 100
	counts := make([]float64, bins)
	for at := int64(0); ; {
		at, _ = m.Next(at, s)
		if at >= bins*width*second {
			break
		}
		counts[at/(width*second)]++
	}
	sum, squares := 0.0, 0.0
	for _, c := range counts {
		sum += c
		squares += c * c
	}
	mean := sum / bins
	idc := (squares/bins - mean*mean) / mean
	// on->off 1/s, off->on 1/3 a second. For a window of 100 s the limit is reached to 1 %.
	want := 1 + 2*40*1/math.Pow(1+1./3, 2)
	if math.Abs(mean/(10*width)-1) > .02 || math.Abs(idc/want-1) > .12 {
		t.Errorf("mean %v, want %v; dispersion %v, want %v", mean, 10.*width, idc, want)
	}
}

func TestScaledLoadsShareTheirRandomness(t *testing.T) {
	a := arrivals(Poisson(Constant(100)), 10*second, random.NewStream(5))
	b := arrivals(Poisson(Constant(120)), 10*second, random.NewStream(5))
	for i := range a {
		if math.Abs(float64(a[i])-1.2*float64(b[i])) > 1e3 {
			t.Fatalf("arrival %d: %d and %d", i, a[i], b[i])
		}
	}
}

func TestBadRates(t *testing.T) {
	for _, p := range [][]Point{{{0, -1}}, {{0, math.NaN()}}, {{0, 1e9}}, {{-1, 1}}, {{5, 1}, {4, 1}}} {
		if _, err := NewRate(p...); err == nil {
			t.Errorf("%v accepted", p)
		}
	}
	if _, err := Constant(1).Repeat(0); err == nil {
		t.Error("period 0 accepted")
	}
	for _, s := range [][]State{{}, {{0, random.Exponential(1)}}, {{1, nil}}, {{-1, random.Exponential(1)}}, {{1, random.Constant(0)}}} {
		if _, err := NewMMPP(s...); err == nil {
			t.Errorf("%v accepted", s)
		}
	}
}

func TestReadCounts(t *testing.T) {
	in := "minute_utc,requests\n1998-07-07 00:00:00,60\n1998-07-07 00:01:00,x\n1998-07-07 00:02:00,120\n1998-07-07 00:02:00,1\n1998-07-07 00:02:30,1\nboom\n"
	c, bad, err := ReadCounts(strings.NewReader(in), "load.csv")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.PerBin) != 3 || c.Missing != 1 || c.Bin != 60*second || bad.Total != 4 {
		t.Errorf("%+v, %d bad", c, bad.Total)
	}
	if got := bad.First[0].Error(); got != `load.csv:3: count: "x": want a number of requests, 0..6e+09` {
		t.Error(got)
	}
	if c.Rate().At(0) != 1 || c.Rate().At(61*second) != 0 || c.Rate().At(121*second) != 2 || c.Rate().At(181*second) != 2 || c.Mean() != 1 {
		t.Error("the rates are not the counts")
	}
	for _, in := range []string{"", "a,b\n", "second,requests\n", "second,requests\n-1,1\n", "\"", "second\n1\n"} {
		if _, _, err := ReadCounts(strings.NewReader(in), "x"); err == nil {
			t.Errorf("%q accepted", in)
		}
	}
}

// workloads is the folder with the recorded series.
func workloads(t *testing.T) string {
	if dir := os.Getenv("SCALE_EVAL_WORKLOADS"); dir != "" {
		return dir
	}
	if data := os.Getenv("SCALE_EVAL_DATA"); data != "" {
		return filepath.Join(data, "..", "workloads")
	}
	t.Skip("set SCALE_EVAL_WORKLOADS to the folder with wc98_1998-07-07_per_minute.csv")
	return ""
}

// The mean of 78 and the peak of 600 requests a second at a scale of 0.1569 are the
// numbers of the diurnal scenario; the lengths are those of the files.
func TestRecordedSeries(t *testing.T) {
	dir := workloads(t)
	for name, bins := range map[string]int{
		"wc98_1998-07-07_per_minute.csv": 1440, "wc98_1998-06-29_30_per_minute.csv": 2880,
		"wikipedia_1s_3600.csv": 3600, "azure_llm_2023_conv_per_second.csv": 3502, "azure_llm_2023_code_per_second.csv": 3436,
	} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		c, bad, err := ReadCounts(f, name)
		f.Close()
		if err != nil || bad.Total != 0 || len(c.PerBin) != bins {
			t.Fatalf("%s: %v, %d bad, %d bins, want %d", name, err, bad.Total, len(c.PerBin), bins)
		}
		if strings.HasPrefix(name, "wc98_1998-07-07") {
			if mean, peak := .1569*c.Mean(), c.Rate().Scale(.1569).Max(); math.Abs(mean-78) > .5 || math.Abs(peak-600) > .5 {
				t.Errorf("mean %v, peak %v", mean, peak)
			}
		}
	}
}

func FuzzReadCounts(f *testing.F) {
	for _, s := range []string{"second,requests\n0,7\n1,5\n", ",count\n0,1\n5,2\n", "minute_utc,requests\n1998-07-07 00:00:00,8981\n", "second,requests\n0,1\n9999999999999,1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, bad, err := ReadCounts(io.Reader(bytes.NewReader(in)), "fuzz")
		if err != nil {
			return
		}
		if len(c.PerBin) == 0 || int64(c.Missing) > int64(len(c.PerBin)) || bad == nil {
			t.Errorf("%+v", c)
		}
		if m := c.Rate().Max(); m < 0 || math.IsNaN(m) {
			t.Errorf("rate %v", m)
		}
	})
}

func BenchmarkPoisson(b *testing.B) {
	s, p, at := random.NewStream(1), Poisson(Constant(1000)), int64(0)
	b.ReportAllocs()
	for b.Loop() {
		at, _ = p.Next(at, s)
	}
}
