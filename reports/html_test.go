package reports

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/eval"
)

// attacks are names that a service on the other side of a trace may have.
var attacks = []string{
	`</script><script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`'; alert(1); //`,
	"<!--", "]]>", "{{.R}}", "</style>", "javascript:alert(1)",
	"\u202egnp.exe", "مرحبا", "\x00\x1b[31mred\a", "\xff\xfe",
	"http://evil.example/x.js",
	strings.Repeat("long", 1<<18), // 1 MiB
}

// hostile is a Track B result whose every string is an attack.
func hostile() *eval.Result {
	r, _ := trackB()
	all := strings.Join(attacks[:len(attacks)-1], " ")
	r.Dataset, r.Protocol = all, attacks[0]
	for i := range r.Faults {
		a := attacks[i%len(attacks)]
		r.Faults[i].Target, r.Faults[i].Type, r.Faults[i].Name = a, a, a
	}
	for i := range r.Samplers {
		a := attacks[i%len(attacks)]
		r.Samplers[i].Name, r.Samplers[i].Describe, r.Samplers[i].ThresholdBy = a, a, a
	}
	for _, a := range attacks {
		r.Options[a], r.Counts.ByLabel[a] = a, 1
		r.Warnings = append(r.Warnings, a)
	}
	return r
}

func renderHTML(t *testing.T, r *eval.Result, s *eval.Scores, timed *eval.Timing) string {
	t.Helper()
	var b bytes.Buffer
	o := HTMLOptions{Figures: Figures(r, s), Replay: "scale-eval run --replay run.json", Version: "v0"}
	if err := HTML(&b, r, timed, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTMLShowsEverything(t *testing.T) {
	r, s := trackB()
	page := renderHTML(t, r, s, timing(r))
	text := html.UnescapeString(page)
	want := []string{"As deployed", "Best on test", "Faults", "18 of 24 detected", "adservice", "none", "Where every span went", "shock_factor",
		"n_tree", "Measured in the original run; depends on the machine", "scale-eval run --replay run.json", "Warnings", "recall at 0.1%", "seed 42"}
	for _, smp := range r.Samplers {
		want = append(want, smp.Name, smp.Describe, count(smp.Point.Confusion.FP), count(smp.Best.Confusion.TN), interval(smp.AP, unit3))
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	if n := strings.Count(page, "<svg "); n != 5 {
		t.Errorf("%d figures in the page, want 5", n)
	}
	if strings.Contains(renderHTML(t, r, nil, nil), "Time a span") {
		t.Error("a page without timing has a section for it")
	}
}

// TestHTMLIsBalanced: every element that was opened is closed in order, also with
// hostile names.
func TestHTMLIsBalanced(t *testing.T) {
	a, as := trackA()
	n, ns := noPositives()
	for name, page := range map[string]string{"a": renderHTML(t, a, as, timing(a)), "none": renderHTML(t, n, ns, nil),
		"empty": renderHTML(t, &eval.Result{}, nil, nil), "hostile": renderHTML(t, hostile(), nil, nil)} {
		page = regexp.MustCompile(`(?s)<script[^>]*>.*?</script>|<style>.*?</style>`).ReplaceAllString(page, "")
		var open []string
		for _, m := range regexp.MustCompile(`<(/?)([a-zA-Z0-9]+)((?:"[^"]*"|[^">])*?)(/?)>`).FindAllStringSubmatch(page, -1) {
			tag := m[2]
			switch {
			case m[4] == "/" || tag == "meta" || tag == "input":
			case m[1] == "":
				open = append(open, tag)
			case len(open) == 0 || open[len(open)-1] != tag:
				t.Fatalf("%s: </%s> closes %v", name, tag, open)
			default:
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: left open: %v", name, open)
		}
	}
}

// TestHTMLLoadsNothing looks for every way of HTML, CSS and SVG to load something.
func TestHTMLLoadsNothing(t *testing.T) {
	r, s := trackB()
	loads := regexp.MustCompile(`(?i)<(link|img|iframe|object|embed|base|image|use|audio|video|source)\b|\bsrc\s*=|\bhref\s*=|@import|url\(|https?://|fetch\(|XMLHttpRequest`)
	if m := loads.FindString(renderHTML(t, r, s, timing(r))); m != "" {
		t.Errorf("the page has %q", m)
	}
}

func TestHTMLHostileNames(t *testing.T) {
	page := renderHTML(t, hostile(), nil, nil)
	for _, bad := range []string{"<script>alert", "<img", "<!--", "\x00", "\x1b", "\u202e", "</script><script>alert"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts, want the data and the slider", n)
	}
	if len(page) > 1<<20 {
		t.Errorf("%d bytes: a long name was not cut", len(page))
	}
	if !strings.Contains(page, `title="`+strings.Repeat("long", 249)) {
		t.Error("a cut name has no tooltip with more of it")
	}
	if !strings.Contains(page, "<bdi>مرحبا</bdi>") {
		t.Error("a right-to-left name is not isolated from the text around it")
	}
}

// TestSliderData reads the data block as the script does.
func TestSliderData(t *testing.T) {
	r, _ := trackA()
	r.Samplers[0].Name = attacks[0]
	page := renderHTML(t, r, nil, nil)
	m := regexp.MustCompile(`(?s)id="curve-data">(.*?)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no data block")
	}
	var all []slider
	if err := json.Unmarshal([]byte(m[1]), &all); err != nil {
		t.Fatal(err)
	}
	own, curve := all[0], r.Samplers[0].Curve
	if own.Name != attacks[0] || len(own.TP) != len(curve) || own.Positives != 2895 || own.Negatives != 55013 {
		t.Fatalf("slider of %q: %d points, %d positives, %d negatives", own.Name, len(own.TP), own.Positives, own.Negatives)
	}
	at, c := own.Deployed, r.Samplers[0].Point.Confusion
	if d := own.TP[at] + own.FP[at] - c.TP - c.FP; d < -100 || d > 100 {
		t.Errorf("the slider starts %d spans away from the deployed cut-off", d)
	}
}

// TestInlineFiguresFollowTheTheme: a colour that is not a variable stays light in the
// dark.
func TestInlineFiguresFollowTheTheme(t *testing.T) {
	r, s := trackB()
	for _, f := range Figures(r, s) {
		in := f.inline()
		if m := regexp.MustCompile(`(fill|stroke):#[0-9A-F]+`).FindString(in); m != "" {
			t.Errorf("%s: %s is no tone", f.Name, m)
		}
		if !strings.Contains(in, "var(--ink,") {
			t.Errorf("%s: no ink at all", f.Name)
		}
	}
}

func TestTonesAreDistinct(t *testing.T) {
	for i, a := range tones {
		for _, b := range tones[:i] {
			translucent := a != onCell && a != paper && b != onCell && b != paper
			if d := channelDistance(a.light, b.light); d == 0 || (translucent && d <= 2) {
				t.Errorf("%s and %s differ by %d", a.variable, b.variable, d)
			}
		}
	}
}
