package eval

import "github.com/scale-eval/scale-eval/datasets/trace"

// Scores are the outcomes of the test part, one row a span in order, one column a
// sampler. Memory: 9 bytes a span and sampler, plus 5 a span.
type Scores struct {
	Labels  []trace.Label
	Trace   []uint32 // dense number of the span's trace, for resampling by trace; nil: each span its own
	Columns []ScoreColumn
}

// ScoreColumn is what one sampler said.
type ScoreColumn struct {
	Name  string
	Score []float64 // high = anomalous; NaN: warm-up; nil: it only decided
	Keep  []bool    // nil: it only scored
}
