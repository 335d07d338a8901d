package tuning

import (
	"slices"
	"strings"
	"testing"
)

func TestParseParam(t *testing.T) {
	for text, want := range map[string]string{
		"n_tree=12,16,32":              "12 16 32",
		"n_tree=32,12,16":              "12 16 32", // numbers are sorted
		"height=8..12":                 "8 9 10 11 12",
		"min_score=0.4..0.6:0.05":      "0.4 0.45 0.5 0.55 0.6",
		"x=0.1..0.3:0.1":               "0.1 0.2 0.3", // no 0.30000000000000004
		"window=100..1000:log4":        "100 215 464 1000",
		"bump=15ms,5ms,10ms":           "5ms 10ms 15ms",
		"shock-factor=15..20,8..10":    "15..20 8..10", // words stay in their order
		" encoding = paper , fixed ":   "paper fixed",
		"x=-2..2:2":                    "-2 0 2",
		"few=1..3:log7":                "1 2 3", // whole numbers do not repeat
		"x=0..1:0.4":                   "0 0.4 0.8",
		"x=1e-3,1e-2":                  "1e-3 1e-2",
		"x=0.5":                        "0.5",
		"min_score=0.95..1:0.02":       "0.95 0.97 0.99",
		"window=10..20:5":              "10 15 20",
		"y=0.001..0.1:log3":            "0.001 0.01 0.1",
		"train=0.25,0.5,0.125":         "0.125 0.25 0.5",
		"size=1000..100000:log3":       "1000 10000 100000",
		"flag=true,false":              "true false",
		"mixed=1,2,many":               "1 2 many",
		"negative=-1..-0.5:0.25":       "-1 -0.75 -0.5",
		"durations=1s,1500ms":          "1s 1500ms",
		"steps=0..0.000001:0.0000005":  "0 0.0000005 0.000001",
		"min_score=0.60..0.70:0.05000": "0.6 0.65 0.7",
	} {
		p, err := ParseParam(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(p.Levels, " "); got != want {
			t.Errorf("%s: levels %s, want %s", text, got, want)
		}
	}
}

func TestParseParamErrors(t *testing.T) {
	for _, text := range []string{"", "x", "=1", "x=", "x=1,,2", "x=1,1", "x=1,1.0", "x=3..1", "x=1..1", "x=a..b", "x=1..b", "x=1..2:0",
		"x=1..2:-1", "x=1..2:fast", "x=0..1:log", "x=1..2:log1", "x=1..2:logx", "x=0..1e9:0.1", "x=1..Inf", "x=NaN..1", "x=1..2:NaN"} {
		if p, err := ParseParam(text); err == nil {
			t.Errorf("%q is accepted: %+v", text, p)
		}
	}
}

// TestAtReachesEveryLevel in equal shares, and positions of levels map back.
func TestAtReachesEveryLevel(t *testing.T) {
	for _, text := range []string{"n=1,2,4,8,16", "c=a,b,c", "r=0.4..0.6:0.01"} {
		p, _ := ParseParam(text)
		seen := map[string]int{}
		for i := range 1000 * len(p.Levels) {
			seen[p.At(float64(i)/float64(1000*len(p.Levels)))]++
		}
		for _, l := range p.Levels {
			if seen[l] < 999 || seen[l] > 1001 {
				t.Errorf("%s: %s has %d of 1000 draws", text, l, seen[l])
			}
			if back := p.At(p.position(l)); back != l {
				t.Errorf("%s: position of %s is that of %s", text, l, back)
			}
		}
	}
	p, _ := ParseParam("w=50..5000:log")
	low := 0
	for i := range 1000 {
		v := p.Number(p.At(float64(i) / 1000))
		if v < 50 || v > 5000 || v != float64(int(v)) {
			t.Fatalf("%v is not a whole number of 50..5000", v)
		}
		if v < 500 {
			low++
		}
	}
	if low < 490 || low > 510 {
		t.Errorf("%d of 1000 draws are below the geometric middle", low)
	}
}

func TestNewSpace(t *testing.T) {
	s, err := ParseSpace([]string{"n_tree=1,2", "min_score=.4,.5,.6", "height=8..10"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Names(); !slices.Equal(got, []string{"height", "n_tree"}) || s.Models() != 6 || len(s.Thresholds()) != 3 {
		t.Errorf("%v, %d models, thresholds %v", got, s.Models(), s.Thresholds())
	}
	if key := s.Key(Point{"8", "2"}); key != "height=8 n_tree=2" {
		t.Errorf("key %q", key)
	}
	if s.Compare(Point{"9", "1"}, Point{"10", "1"}) >= 0 {
		t.Error("9 sorts behind 10: as text, not as a number")
	}
	for _, texts := range [][]string{nil, {"a=1", "a=2"}, {"min_score=0.1..0.9"}, {"min_score=a,b"}, {"min_score=.1", "min_score=.2"}, {"bad"}} {
		if _, err := ParseSpace(texts); err == nil {
			t.Errorf("%q is accepted", texts)
		}
	}
}

func FuzzParseParam(f *testing.F) {
	for _, s := range []string{"n=1,2", "h=8..12", "m=0.4..0.6:0.01", "w=5..50:log7", "b=5ms,1s", "c=a,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseParam(text)
		if err != nil {
			return
		}
		for _, u := range []float64{0, 0.3, 0.999999} {
			v := p.At(u)
			if p.Levels != nil && !slices.Contains(p.Levels, v) {
				t.Fatalf("%q: At(%v) = %q is no level", text, u, v)
			}
			if x := p.Number(v); x != x {
				t.Fatalf("%q: At(%v) = %q is no number", text, u, v)
			}
		}
	})
}
