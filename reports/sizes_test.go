package reports

import (
	"strings"
	"testing"
)

// The table holds what was measured and what follows of it, worked out by hand.
func TestSizes(t *testing.T) {
	rows := []SizeRow{{Spans: 100_000, WallS: .05, CPUS: .08, PeakMB: 150, DataMB: 3, ConvertS: .2}, {Spans: 1_000_000, WallS: .4, CPUS: .7, PeakMB: 200, DataMB: 30, ConvertS: 2}}
	want := "spans,data_mb,wall_s,cpu_s,wall_ns_span,cpu_ns_span,peak_rss_mb,convert_cpu_s\n" +
		"100000,3.0,0.05,0.08,500.0,800.0,150.0,0.20\n1000000,30.0,0.40,0.70,400.0,700.0,200.0,2.00\n"
	if got := SizesTable(rows); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for name, rows := range map[string][]SizeRow{"two": rows, "one": rows[:1], "none": nil, "empty": {{}}} {
		svg := string(drawn(t, SizesFigure(rows), "svg"))
		checkXML(t, name, []byte(svg))
		if strings.Contains(svg, "NaN") || !strings.Contains(svg, "peak RSS") {
			t.Errorf("%s: not a figure", name)
		}
	}
}
