package reports

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// tone is a colour with its name in the page's style sheet: files get the light
// value, the page swaps it for the variable and so follows the reader's light or dark.
// Light values of tones that are drawn with an opacity differ by more than rounding,
// or the page could not tell them apart.
type tone struct {
	variable    string
	light, dark uint32 // 0xRRGGBB
}

// The palette after Okabe and Ito (2008), which stays apart under the common forms of
// colour blindness; its yellow and sky blue are left out as too faint on white. Dark
// values are lighter relatives of the same hue.
var (
	ink    = tone{"ink", 0x1a1a1a, 0xe6e8eb}
	muted  = tone{"muted", 0x5f6368, 0xa3a9b1}
	faint  = tone{"faint", 0xe1e4e8, 0x363c44}
	paper  = tone{"paper", 0xffffff, 0x1b1f24}
	blue   = tone{"blue", 0x0072b2, 0x5cb3f2}
	cell   = tone{"cell", 0x0a6aa6, 0x2b78b8}
	onCell = tone{"on-cell", 0xfefefe, 0xfefeff}
	red    = tone{"red", 0xd55e00, 0xff8b3d}
	amber  = tone{"amber", 0xe69f00, 0xf0b93a}
	green  = tone{"green", 0x009e73, 0x35c79a}
	pink   = tone{"pink", 0xcc79a7, 0xe29ac2}
	grey   = tone{"grey", 0x8a8f95, 0x868d96}
	tones  = []tone{ink, muted, faint, paper, blue, cell, onCell, red, amber, green, pink, grey}
)

// rgba is the light value with an opacity of (0, 1].
func (t tone) rgba(opacity float64) color.NRGBA {
	return color.NRGBA{R: uint8(t.light >> 16), G: uint8(t.light >> 8), B: uint8(t.light), A: uint8(opacity*255 + 0.5)}
}

func (t tone) color() color.NRGBA { return t.rgba(1) }

// toneOf finds the tone of a light value. One that was drawn with an opacity may come
// back one lower in a channel: vgsvg divides the opacity out again.
func toneOf(light uint32) (tone, bool) {
	for _, slack := range []int{0, 1} {
		for _, t := range tones {
			if channelDistance(t.light, light) <= slack {
				return t, true
			}
		}
	}
	return tone{}, false
}

// channelDistance is the largest difference in a channel.
func channelDistance(a, b uint32) int {
	far := 0
	for shift := 0; shift <= 16; shift += 8 {
		d := int(a>>shift&0xff) - int(b>>shift&0xff)
		far = max(far, d, -d)
	}
	return far
}

// variables are the declarations of the page's style sheet.
func variables(value func(tone) uint32) string {
	var b strings.Builder
	for _, t := range tones {
		fmt.Fprintf(&b, "--%s:#%06x;", t.variable, value(t))
	}
	return b.String()
}

// lineOf is the style of a baseline's curve: thin, and told apart by its dashes where
// colour does not print.
func lineOf(i int) draw.LineStyle {
	hues := []tone{amber, green, pink, grey}
	dashes := [][]vg.Length{nil, {vg.Points(6), vg.Points(2)}, {vg.Points(2.5), vg.Points(1.5)}, {vg.Points(1), vg.Points(2)},
		{vg.Points(6), vg.Points(2), vg.Points(1), vg.Points(2)}}
	return draw.LineStyle{Color: hues[i%len(hues)].color(), Width: vg.Points(1.1), Dashes: dashes[i%len(dashes)]}
}

// Font sizes in points.
const (
	sizeTitle = 12
	sizeLabel = 10.5
	sizeTick  = 9.5
)

func sans(size vg.Length, bold bool) font.Font {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = 3 // golang.org/x/image/font.WeightBold
	}
	return f
}

func textStyle(size vg.Length, bold bool, c tone) text.Style {
	return text.Style{Color: c.color(), Font: sans(size, bold), Handler: plot.DefaultTextHandler,
		XAlign: draw.XCenter, YAlign: draw.YCenter}
}

// newPlot is an empty plot in the package's style.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle.Font, p.Title.TextStyle.Color = sans(sizeTitle, true), ink.color()
	p.Title.Padding = vg.Points(8)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Width = muted.color(), vg.Points(0.7)
		a.Label.TextStyle.Font, a.Label.TextStyle.Color = sans(sizeLabel, false), ink.color()
		a.Label.Padding = vg.Points(4)
		a.Tick.Label.Font, a.Tick.Label.Color = sans(sizeTick, false), muted.color()
		a.Tick.Color, a.Tick.Width = muted.color(), vg.Points(0.7)
		a.Tick.Length = vg.Points(4)
		a.Padding = 0
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	return p
}
