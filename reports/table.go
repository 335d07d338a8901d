package reports

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// align says at which side of its column a cell stands.
type align uint8

const (
	left align = iota
	right
)

const (
	columnGap = "  "
	// minName is the narrowest first column that still tells two names apart. A table
	// that has no room for it puts each name on a line of its own.
	minName = 18
)

// column is one column of a terminal table.
type column struct {
	head  string
	align align
}

// table is a terminal table whose first column, the name, gives way when the others
// need the width.
type table struct {
	columns []column
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write lays the table out in width columns. The first row is set in bold: it is the
// sampler under test.
func (t *table) write(b *bytes.Buffer, width int, p painter, boldFirst bool) {
	widths := t.widths()
	rest := 0
	for _, w := range widths[1:] {
		rest += len(columnGap) + w
	}
	room := width - rest - len(indent)
	stacked := room < min(widths[0], minName)
	if !stacked {
		widths[0] = min(widths[0], room)
	}
	b.WriteString(p.dim(t.line(t.heads(), widths, stacked)) + "\n")
	for i, row := range t.rows {
		line := t.line(row, widths, stacked)
		if stacked {
			line = indent + clean(row[0], width-len(indent)) + "\n" + line
		}
		if boldFirst && i == 0 {
			line = p.bold(line)
		}
		b.WriteString(line + "\n")
	}
}

func (t *table) heads() []string {
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i] = c.head
	}
	return heads
}

func (t *table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = utf8.RuneCountInString(c.head)
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

// line sets one row; a stacked row leaves the name to the line above.
func (t *table) line(cells []string, widths []int, stacked bool) string {
	var b strings.Builder
	b.WriteString(indent)
	if stacked {
		b.WriteString(indent)
	}
	for i, cell := range cells {
		if i == 0 && stacked {
			continue
		}
		if i > 0 {
			b.WriteString(columnGap)
		}
		cell = clean(cell, max(widths[i], 2))
		pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
		if t.columns[i].align == right {
			cell = pad + cell
		} else {
			cell += pad
		}
		b.WriteString(cell)
	}
	return strings.TrimRight(b.String(), " ")
}

// painter adds terminal attributes, or nothing.
type painter bool

func (p painter) bold(s string) string { return p.code("1", s) }
func (p painter) dim(s string) string  { return p.code("2", s) }
func (p painter) warn(s string) string { return p.code("33", s) }

func (p painter) code(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
