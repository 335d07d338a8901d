package reports

import (
	"io"

	"github.com/scale-eval/scale-eval/tuning"
)

func TuningFigures(r *tuning.Result) []Figure { return nil }

func TuningHTML(w io.Writer, r *tuning.Result, o HTMLOptions) error { return nil }
