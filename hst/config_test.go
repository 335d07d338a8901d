package hst

import (
	"math"
	"strings"
	"testing"
)

func TestValidateNamesTheFieldAndItsRange(t *testing.T) {
	good := DefaultConfig(NewSeed(1))
	if err := good.Validate(); err != nil {
		t.Fatalf("the default: %v", err)
	}
	limits := func(low, high float64) map[string][2]float64 {
		return map[string][2]float64{"ms": {low, high}}
	}
	for _, test := range []struct {
		change func(*Config)
		want   []string
	}{
		{func(c *Config) { c.Trees = 0 }, []string{"Trees is 0", "want 1 to"}},
		{func(c *Config) { c.Trees = MaxNodes + 1 }, []string{"Trees", "want 1 to"}},
		{func(c *Config) { c.Height = 0 }, []string{"Height is 0", "want 1 to 25"}},
		{func(c *Config) { c.Height = 26 }, []string{"Height is 26", "want 1 to 25"}},
		{func(c *Config) { c.Window = -1 }, []string{"Window is -1", "want 1 to 2147483647"}},
		{func(c *Config) { c.Variant = 2 }, []string{"Variant is 2", "want"}},
		{func(c *Config) { c.Trees, c.Height = 100, 25 }, []string{"Trees 100", "Height 25", "MaxNodes"}},
		{func(c *Config) { c.Trees, c.Height, c.Window = 1000, 15, MaxWindow }, []string{"Trees 1000", "Window", "Height 15", "2^53"}},
		{func(c *Config) { c.Limits = limits(2, 1) }, []string{`Limits["ms"]`, "[2, 1]", "low <= high"}},
		{func(c *Config) { c.Limits = limits(math.NaN(), 1) }, []string{`Limits["ms"]`, "NaN"}},
		{func(c *Config) { c.Limits = limits(0, math.Inf(1)) }, []string{`Limits["ms"]`, "+Inf"}},
		{func(c *Config) { c.Limits = limits(-math.MaxFloat64, math.MaxFloat64) }, []string{`Limits["ms"]`}},
		{func(c *Config) { *c = Config{} }, []string{"Trees", "Height", "Window"}},
	} {
		c := good
		test.change(&c)
		err := c.Validate()
		if err == nil {
			t.Errorf("%+v is valid", c)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: error %q does not say %q", c, err, want)
			}
		}
		if _, err := NewRiver(c); err == nil {
			t.Errorf("NewRiver takes %+v", c)
		}
		if _, err := NewForest(c, []string{"ms"}); err == nil {
			t.Errorf("NewForest takes %+v", c)
		}
	}
}

func TestVariantNames(t *testing.T) {
	for _, v := range []Variant{VariantRiver, VariantTan2011} {
		if back, err := ParseVariant(v.String()); err != nil || back != v {
			t.Errorf("ParseVariant(%q) is %v, %v", v, back, err)
		}
	}
	if _, err := ParseVariant("moa"); err == nil || !strings.Contains(err.Error(), "river or tan2011") {
		t.Errorf("ParseVariant(moa): %v", err)
	}
	if got := Variant(9).String(); got != "variant(9)" {
		t.Errorf("an unknown variant is called %q", got)
	}
}

func TestNewForestNamesTheFeature(t *testing.T) {
	cfg := Config{Trees: 1, Height: 1, Window: 1, Limits: map[string][2]float64{"flat": {3, 3}}}
	many := make([]string, 3000)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	large := cfg
	large.Trees, large.Height = 1000, 15
	for _, test := range []struct {
		cfg      Config
		features []string
		want     string
	}{
		{cfg, nil, "no features"},
		{cfg, []string{"b", "a"}, `"a" after "b"`},
		{cfg, []string{"a", "a"}, `"a" after "a"`},
		{cfg, []string{"flat"}, "total width of 0"},
		{large, many, "over 3000 features"},
	} {
		if _, err := NewForest(test.cfg, test.features); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("features %.30q: error %v, want one with %q", test.features, err, test.want)
		}
	}
}

// A range can run out of floating-point numbers before the tree ends; CPython's
// choices then refuses the weights, and so does growing.
func TestGrowErrsWhenARangeIsUsedUp(t *testing.T) {
	cfg := Config{Trees: 1, Height: 20, Window: 1, Limits: map[string][2]float64{"x": {1, math.Nextafter(1, 2)}}}
	if _, err := NewForest(cfg, []string{"x"}); err == nil || !strings.Contains(err.Error(), "tree 1 of 1") {
		t.Errorf("error %v, want one that names the tree", err)
	}
}
