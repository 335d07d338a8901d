package tuning

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Recorded is one combination of a grid search that somebody else ran.
type Recorded struct {
	// Values are the parameters under the names that scale-eval has for them.
	Values map[string]string
	// Recall and FPR are the detection rate and the false-positive rate, 0 to 1, with
	// the two decimals of a percent that the log has.
	Recall, FPR float64
}

// recordedNames are scale-eval's names of the parameters in the logs of the SCALE
// paper's authors.
var recordedNames = map[string]string{
	"n_trees": "n_tree", "height": "height", "window_size": "window_size", "feature_length": "feature_length",
	"shock_range": "shock-factor", "shock_static_bump": "shock-bump", "sample_score": ThresholdParam,
}

// maxLogLine bounds a line of a log.
const maxLogLine = 1 << 16

// ReadRecorded reads the log that the SCALE paper's authors' grid search wrote:
//
//	Testing combination: n_trees=12, height=8, …, shock_range=(8, 10), …
//	 - Shocked detection rate: 100.00%
//	 - False positive rate: 6.46%
//
// Lines of other forms are passed over, and so is a combination without rates that is
// announced once more: the search was started again there. It errs, naming the line, when a combination
// has an unknown parameter or lacks a rate.
func ReadRecorded(r io.Reader) ([]Recorded, error) {
	var out []Recorded
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLogLine)
	rates := 2 // of the last combination
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if text, ok := strings.CutPrefix(line, "Testing combination:"); ok {
			values, err := recordedValues(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			if rates != 2 {
				if last := out[len(out)-1]; rates != 0 || !maps.Equal(values, last.Values) {
					return nil, fmt.Errorf("line %d: the combination before it has no two rates", n)
				}
				out = out[:len(out)-1] // a search that was started again
			}
			out, rates = append(out, Recorded{values, math.NaN(), math.NaN()}), 0
			continue
		}
		if len(out) == 0 || rates == 2 {
			continue
		}
		for prefix, to := range map[string]*float64{"- Shocked detection rate:": &out[len(out)-1].Recall, "- False positive rate:": &out[len(out)-1].FPR} {
			text, ok := strings.CutPrefix(line, prefix)
			if !ok {
				continue
			}
			x, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), "%"), 64)
			if err != nil || !(x >= 0 && x <= 100) || !math.IsNaN(*to) {
				return nil, fmt.Errorf("line %d: want one rate of 0%% to 100%%", n)
			}
			*to = x / 100
			rates++
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if rates != 2 {
		return nil, fmt.Errorf("the log ends before the rates of its last combination")
	}
	if len(out) == 0 {
		return nil, fmt.Errorf(`no line starts with "Testing combination:"`)
	}
	return out, nil
}

// recordedValues reads "a=1, b=(8, 10), c=3".
func recordedValues(text string) (map[string]string, error) {
	values := map[string]string{}
	for text = strings.TrimSpace(text); text != ""; {
		name, rest, ok := strings.Cut(text, "=")
		to, known := recordedNames[strings.TrimSpace(name)]
		if !ok || !known {
			return nil, fmt.Errorf("unknown parameter %q", strings.TrimSpace(name))
		}
		value, after, _ := strings.Cut(rest, ",")
		if strings.HasPrefix(rest, "(") {
			value, after, ok = strings.Cut(rest[1:], ")")
			if !ok {
				return nil, fmt.Errorf("%s: no closing bracket", to)
			}
			lo, hi, _ := strings.Cut(value, ",")
			value, after = strings.TrimSpace(lo)+".."+strings.TrimSpace(hi), strings.TrimPrefix(after, ",")
		}
		if to == "shock-bump" {
			value += "ms"
		}
		values[to], text = strings.TrimSpace(value), strings.TrimSpace(after)
	}
	return values, nil
}

// Beside is a recorded combination and what this study measured for it, one value a
// seed, on all scored spans.
type Beside struct {
	Recorded
	Point       Point
	Threshold   string
	Recalls     []float64
	FPRs        []float64
	MeanRecall  float64
	MeanFPR     float64
	RecordedIn  bool // the recorded rate lies within the range of the seeds, FPR
	RecallIsIn  bool // and recall
	FPRQuantile float64
}

// LayBeside finds the row of every recorded combination. It errs when one has none.
func LayBeside(s *Space, rows []Row, recorded []Recorded) ([]Beside, error) {
	at := map[string]int{}
	for i, r := range rows {
		at[besideKey(s, r)] = i
	}
	out := make([]Beside, len(recorded))
	for k, rec := range recorded {
		key, err := recordedKey(s, rec.Values)
		if err != nil {
			return nil, err
		}
		i, ok := at[key]
		if !ok {
			return nil, fmt.Errorf("recorded combination %s is no point of this study", key)
		}
		b := Beside{Recorded: rec, Point: rows[i].Model, Threshold: rows[i].Threshold}
		for _, blocks := range rows[i].Blocks {
			c := sum(blocks)
			b.Recalls, b.FPRs = append(b.Recalls, c.Recall()), append(b.FPRs, c.FPR())
		}
		b.MeanRecall, b.MeanFPR = float64(SpreadOf(b.Recalls).Mean), float64(SpreadOf(b.FPRs).Mean)
		const half = 0.00005 // the log has two decimals of a percent
		b.RecordedIn = rec.FPR >= slices.Min(b.FPRs)-half && rec.FPR <= slices.Max(b.FPRs)+half
		b.RecallIsIn = rec.Recall >= slices.Min(b.Recalls)-half && rec.Recall <= slices.Max(b.Recalls)+half
		b.FPRQuantile = midRank(b.FPRs, rec.FPR, half)
		out[k] = b
	}
	return out, nil
}

// midRank is the share of values below x, those within slack of it counting half.
func midRank(values []float64, x, slack float64) float64 {
	below := 0.0
	for _, v := range values {
		switch {
		case v < x-slack:
			below++
		case v <= x+slack:
			below += 0.5
		}
	}
	return below / float64(len(values))
}

func besideKey(s *Space, r Row) string {
	key := ""
	for i, p := range s.Params {
		key += fmt.Sprintf("%s=%v ", p.Name, keyNumber(p, r.Model[i]))
	}
	if s.Threshold != nil {
		key += fmt.Sprintf("%s=%v", ThresholdParam, s.Threshold.Number(r.Threshold))
	}
	return key
}

// keyNumber is a value in a form that does not depend on how it was written.
func keyNumber(p Param, text string) any {
	if p.Categorical() {
		return text
	}
	return p.Number(text)
}

func recordedKey(s *Space, values map[string]string) (string, error) {
	row, used := Row{Threshold: values[ThresholdParam]}, 0
	for _, p := range s.Params {
		v, ok := values[p.Name]
		if !ok {
			return "", fmt.Errorf("the recorded combinations do not say %s", p.Name)
		}
		row.Model = append(row.Model, v)
		used++
	}
	if s.Threshold != nil {
		used++
	}
	if used != len(values) {
		return "", fmt.Errorf("the recorded combinations have %d parameters, this study %d", len(values), used)
	}
	return besideKey(s, row), nil
}

// KolmogorovSmirnov is the largest difference of the two empirical distribution
// functions, 0 (the same) to 1. It sorts both; neither may be empty.
func KolmogorovSmirnov(a, b []float64) float64 {
	slices.Sort(a)
	slices.Sort(b)
	most := 0.0
	for i, k := 0, 0; i < len(a) && k < len(b); {
		x := min(a[i], b[k])
		for i < len(a) && a[i] == x {
			i++
		}
		for k < len(b) && b[k] == x {
			k++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(k)/float64(len(b))))
	}
	return most
}
