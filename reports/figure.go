package reports

import (
	"fmt"
	"image/png"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/scale-eval/scale-eval/eval"
)

// Figure is one drawing that is laid out but not yet drawn. Its size is fixed, so
// that figures of two runs can be laid over each other.
type Figure struct {
	// Name is the file name without its extension: "roc".
	Name string
	// Title is what the figure shows, and Caption how to read it: plain text.
	Title, Caption string

	width, height vg.Length
	draw          func(draw.Canvas)
}

// Formats are the formats that Figure.Write takes.
var Formats = []string{"png", "svg"}

// pngDPI is twice the resolution of a common screen: about 1100 pixels across.
const pngDPI = 192

// Write draws the figure as "png" or "svg". The same figure gives the same bytes in
// every call: neither form holds a time or an identifier. Text in an SVG names
// Liberation Sans and, where that is missing, fonts of the same widths.
//
// It returns an error for another format and when w does.
func (f Figure) Write(w io.Writer, format string) error {
	var err error
	switch format {
	case "png":
		err = f.png(w, pngDPI)
	case "svg":
		_, err = w.Write(f.svg())
	default:
		return fmt.Errorf("figure %s: format %q: want one of %v", f.Name, format, Formats)
	}
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	return nil
}

func (f Figure) png(w io.Writer, dpi int) error {
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(paper.color()))
	f.draw(draw.New(c))
	// Most of the time of a figure goes into the compression: the fast one makes files
	// of flat areas 4 % larger in half the time.
	return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, c.Image())
}

// Figures lays out the figures of a result, in the order a reader needs them: the
// confusion matrix, the scores by label, ROC, recall at low false-positive rates,
// precision-recall. Without decisions there is no matrix, and without scores in s no violin.
//
// The sampler is Samplers[0]; without one there are no figures. With s it reads and
// sorts the sampler's scores: O(n log n) time and 8 bytes a span.
func Figures(r *eval.Result, s *eval.Scores) []Figure {
	if len(r.Samplers) == 0 {
		return nil
	}
	var figures []Figure
	if decided(r.Samplers[0]) {
		figures = append(figures, confusionFigure(r.Samplers[0]))
	}
	if s != nil && len(s.Columns) > 0 && len(s.Columns[0].Score) > 0 {
		figures = append(figures, violinFigure(r.Samplers[0], s))
	}
	return append(figures, rocFigure(r), lowFPRFigure(r), prFigure(r))
}
