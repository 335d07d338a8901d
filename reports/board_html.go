package reports

import (
	"bytes"
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"

	"github.com/scale-eval/scale-eval/eval"
)

// BoardPage is what the page of a comparison shows beside the board.
type BoardPage struct {
	// Figures are those of [BoardFigures], drawn into the page.
	Figures []Figure
	// Version names the program; empty leaves it out.
	Version string
}

//go:embed board.tmpl.html
var boardSource string

var boardTemplate = template.Must(template.New("board").Funcs(template.FuncMap{
	"unit": func(n eval.Number) string { return unit3(n) }, "unitCI": func(r eval.Rate) string { return interval(r, unit3) },
	"percent": percent, "level": level, "ns": nanoseconds, "bytes": bytesOf, "mean": meanCount, "seconds": seconds,
	"name": newName, "faults": detectedOf, "chance": chance, "delay": delayOf, "fault": shortFault, "count": count,
}).Parse(boardSource))

// boardData is what the template reads.
type boardData struct {
	B             *eval.Board
	Note          string
	Groups        []boardGroup
	Figures       []pageFigure
	FPRs, Budgets []float64
	Style         template.CSS
	Policy        string
	Version       string
}

type boardGroup struct {
	Title         string
	Rows          []eval.BoardRow
	Faults, Cover bool
	Biases        []bias // with the last group of a dataset
}

// BoardHTML writes board.html: one file that loads nothing, runs no script and follows
// the reader's light or dark setting. All names are escaped by html/template.
func BoardHTML(w io.Writer, b *eval.Board, o BoardPage) error {
	d := boardData{B: b, Note: boardNote(b), FPRs: eval.DefaultFPRs, Budgets: eval.Budgets, Version: o.Version,
		Style: template.CSS(palette() + pageStyle), Policy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"}
	groups := boardGroups(b)
	for i, rows := range groups {
		g := boardGroup{Title: boardTitle(rows[0]), Rows: rows, Faults: rows[0].Faults > 0, Cover: len(rows[0].CallsAtBudget) > 0}
		if a, ok := b.Labels[rows[0].Dataset]; ok && (i+1 == len(groups) || groups[i+1][0].Dataset != rows[0].Dataset) {
			g.Biases = biases(&a, nil)
		}
		d.Groups = append(d.Groups, g)
	}
	for _, f := range o.Figures {
		d.Figures = append(d.Figures, pageFigure{f, template.HTML(f.inline())})
	}
	var page bytes.Buffer
	if err := boardTemplate.Execute(&page, d); err != nil {
		return fmt.Errorf("board.html: %w", err)
	}
	_, err := w.Write(page.Bytes())
	return err
}
