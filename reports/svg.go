package reports

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// fontStack holds fonts with the widths of Liberation Sans, with which the text was
// measured.
const fontStack = "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"

// svg is the figure as a document of its own, on white paper.
func (f Figure) svg() []byte {
	c := vgsvg.New(f.width, f.height)
	dc := draw.New(c)
	dc.SetColor(paper.color())
	dc.Fill(dc.Rectangle.Path())
	f.draw(dc)
	var b bytes.Buffer
	c.WriteTo(&b) // a bytes.Buffer does not fail
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte(fontStack))
}

// inline is the figure as an element of the page: no prolog and no fixed size, and
// every colour is a variable of the page's style sheet, with the light value as its
// fallback.
func (f Figure) inline() string {
	doc := string(f.svg())
	_, doc, _ = strings.Cut(doc, "<svg ")
	_, doc, _ = strings.Cut(doc, ">")
	return fmt.Sprintf(`<svg viewBox="0 0 %.5g %.5g" role="img" aria-label="%s">`, f.width.Points(), f.height.Points(), html.EscapeString(f.Title)) +
		themed(doc)
}

var colorProperty = regexp.MustCompile(`(fill|stroke):#([0-9A-F]{6})`)

// themed turns the palette's light values into variables. A name that spells such a
// property out is shown changed, which harms nobody.
func themed(doc string) string {
	return colorProperty.ReplaceAllStringFunc(doc, func(m string) string {
		property, hex, _ := strings.Cut(m, ":#")
		light, _ := strconv.ParseUint(hex, 16, 32) // the pattern admits nothing else
		t, ok := toneOf(uint32(light))
		if !ok {
			return m
		}
		return fmt.Sprintf("%s:var(--%s,#%s)", property, t.variable, hex)
	})
}
