package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/tuning"
)

// GateMarkdown writes checks as a Markdown table, fit for the step summary of a CI
// system: what failed first, and what each verdict is made of.
func GateMarkdown(w io.Writer, checks []tuning.Check) error {
	var b strings.Builder
	failed, noisy := 0, 0
	for _, k := range checks {
		if k.Verdict.Fails() {
			failed++
		}
		if k.Verdict == tuning.WithinNoise {
			noisy++
		}
	}
	fmt.Fprintf(&b, "### scale-eval check: %s\n\n", map[bool]string{true: "passed", false: fmt.Sprintf("%d of %d measures regressed", failed, len(checks))}[failed == 0])
	b.WriteString("| case | measure | baseline | now | worse by | noise (99.9 %) | tolerance | verdict |\n|---|---|--:|--:|--:|--:|--:|---|\n")
	for _, fails := range []bool{true, false} {
		for _, k := range checks {
			if k.Verdict.Fails() != fails {
				continue
			}
			verdict := k.Verdict.String()
			if fails {
				verdict = "**" + verdict + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", cellText(k.Case), cellText(k.Measure), gateSpread(k.Base), gateSpread(k.Now),
				gateAmount(k, k.Worse), gateAmount(k, k.Noise), gateAmount(k, k.Tolerance), verdict)
		}
	}
	if noisy > 0 {
		fmt.Fprintf(&b, "\n%d drops are larger than the tolerance but no larger than seeds differ among themselves: they pass.\n", noisy)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cellText keeps a name inside its cell.
func cellText(s string) string { return strings.ReplaceAll(clean(s, 60), "|", "\\|") }

func gateSpread(s tuning.Spread) string {
	if !finite(s.Mean) {
		return undefined
	}
	text := fmt.Sprintf("%.4f", float64(s.Mean))
	if finite(s.SD) {
		text += fmt.Sprintf(" ± %.4f", float64(s.SD))
	}
	return text
}

func gateAmount(k tuning.Check, x float64) string {
	if !finite(eval.Number(x)) {
		return undefined
	}
	if k.Relative {
		return fmt.Sprintf("%+.1f%%", 100*x)
	}
	return fmt.Sprintf("%+.4f", x)
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitFailure `xml:"failure"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

// GateJUnit writes checks as JUnit XML, one test suite a case of the baseline and one
// test case a measure, as CI systems read it.
func GateJUnit(w io.Writer, checks []tuning.Check) error {
	var all junitSuites
	at := map[string]int{}
	for _, k := range checks {
		i, ok := at[k.Case]
		if !ok {
			i = len(all.Suites)
			at[k.Case] = i
			all.Suites = append(all.Suites, junitSuite{Name: "scale-eval check: " + clean(k.Case, 60)})
		}
		s := &all.Suites[i]
		line := fmt.Sprintf("%v: baseline %s, now %s, worse by %s, noise %s, tolerance %s", k.Verdict, gateSpread(k.Base), gateSpread(k.Now),
			gateAmount(k, k.Worse), gateAmount(k, k.Noise), gateAmount(k, k.Tolerance))
		c := junitCase{Name: clean(k.Measure, 60), Class: clean(k.Case, 60), Out: line}
		if k.Verdict.Fails() {
			c.Failure = &junitFailure{line, k.Verdict.String()}
			s.Failures++
		}
		s.Tests++
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
