package input

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// CSV reads rows of a file with a header (RFC 4180: quotes, doubled quotes, line
// ends inside quotes; "\n" or "\r\n"; a byte order mark; blank lines are passed
// over). Rows are numbered by the line on which they start.
//
// Unlike encoding/csv it allocates nothing a row, bounds a row, and checks UTF-8.
type CSV struct {
	lines  *Lines
	header []string
	fields [][]byte
	joined []byte // a row that spans lines
	flat   []byte // fields whose quotes were removed
	row    int64
}

// NewCSV reads the header, which must contain the columns of want in any order,
// and may contain others. A row is at most DefaultMaxLine bytes. path is for
// messages.
func NewCSV(path string, r io.Reader, want ...string) (*CSV, error) {
	c := &CSV{lines: NewLines(path, r, 0)}
	fields, err := c.next(true)
	if err == io.EOF {
		return nil, fmt.Errorf("%s: empty: want a CSV header with the columns %s", path, strings.Join(want, ","))
	}
	if row, ok := err.(*trace.RowError); ok {
		return nil, fmt.Errorf("%w (want a CSV header with the columns %s)", row, strings.Join(want, ","))
	}
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		c.header = append(c.header, strings.TrimSpace(string(f)))
	}
	if err := c.checkHeader(want); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *CSV) checkHeader(want []string) error {
	var missing []string
	for _, w := range want {
		if !slices.Contains(c.header, w) {
			missing = append(missing, w)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s:%d: header lacks %s: want the columns %s in any order, found %q",
			c.lines.path, c.row, strings.Join(missing, ","), strings.Join(want, ","), clip(strings.Join(c.header, ",")))
	}
	for i, h := range c.header {
		if slices.Contains(want, h) && slices.Contains(c.header[i+1:], h) {
			return fmt.Errorf("%s:%d: header has the column %s twice", c.lines.path, c.row, h)
		}
	}
	return nil
}

// Header is the file's columns in order.
func (c *CSV) Header() []string { return c.header }

// Column is the index of a column in a row, or -1.
func (c *CSV) Column(name string) int { return slices.Index(c.header, name) }

// Row is the line number of the row that Next returned last; the header is 1.
func (c *CSV) Row() int64 { return c.row }

// Next returns the fields of the next row in the order of the header. The slice
// and the bytes are valid until the next call. A row with another number of
// fields, with broken quotes, with invalid UTF-8 or above the bound is a
// *trace.RowError, and the next call goes on behind it; io.EOF is the end.
func (c *CSV) Next() ([][]byte, error) { return c.next(false) }

func (c *CSV) next(header bool) ([][]byte, error) {
	line, err := c.line(header)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(line, '"') >= 0 {
		if line, err = c.quoted(line); err != nil {
			return nil, err
		}
		if err = c.splitQuoted(line); err != nil {
			return nil, err
		}
	} else { // the commonest case: no quotes
		c.split(line)
	}
	if !utf8.Valid(line) {
		return nil, c.invalidUTF8()
	}
	if !header && len(c.fields) != len(c.header) {
		return nil, c.Errorf("", "%d fields, the header has %d", len(c.fields), len(c.header))
	}
	return c.fields, nil
}

// line is the next line that is not blank.
func (c *CSV) line(header bool) ([]byte, error) {
	for {
		line, err := c.lines.Next()
		c.row = c.lines.Row()
		if header && c.row == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err != nil || len(line) > 0 {
			return line, err
		}
	}
}

// split looks for commas in eight bytes at a time: fields are short, so that a call
// of bytes.IndexByte a field would cost more than the search.
func (c *CSV) split(line []byte) {
	const low7, commas = 0x7f7f7f7f7f7f7f7f, 0x2c2c2c2c2c2c2c2c
	fields, start, i := c.fields[:0], 0, 0
	for ; i+8 <= len(line); i += 8 {
		x := binary.LittleEndian.Uint64(line[i:]) ^ commas
		// The high bit of each byte that is zero, without carries between bytes.
		zero := ^((x&low7 + low7) | x | low7)
		for ; zero != 0; zero &= zero - 1 {
			at := i + bits.TrailingZeros64(zero)/8
			fields = append(fields, line[start:at])
			start = at + 1
		}
	}
	for ; i < len(line); i++ {
		if line[i] == ',' {
			fields = append(fields, line[start:i])
			start = i + 1
		}
	}
	c.fields = append(fields, line[start:])
}

// quoted appends lines while a quoted field is open at the end of the row.
func (c *CSV) quoted(line []byte) ([]byte, error) {
	open := openAfter(line, false)
	if !open {
		return line, nil
	}
	c.joined = append(c.joined[:0], line...)
	for open {
		line, err := c.lines.Next()
		if err == io.EOF {
			return nil, c.Errorf("", "a quoted field is not closed before the end of the file, row %d", c.lines.Row())
		}
		if err != nil {
			return nil, err
		}
		if len(c.joined)+len(line) >= c.lines.max {
			return nil, c.Errorf("", "a quoted field is not closed within %d bytes: all up to row %d is lost", c.lines.max, c.lines.Row())
		}
		c.joined = append(append(c.joined, '\n'), line...)
		open = openAfter(line, true)
	}
	return c.joined, nil
}

// openAfter says whether a quoted field is open at the end of line, given whether
// one is at its start. It is false behind misplaced quotes, so that one bad row
// does not swallow the next.
func openAfter(line []byte, open bool) bool {
	for {
		if !open {
			if len(line) > 0 && line[0] == '"' {
				line, open = line[1:], true
				continue
			}
			i := bytes.IndexByte(line, ',')
			if i < 0 || bytes.IndexByte(line[:i], '"') >= 0 {
				return false
			}
			line = line[i+1:]
			continue
		}
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			return true
		}
		line = line[i+1:]
		if len(line) > 0 && line[0] == '"' {
			line = line[1:]
			continue
		}
		if len(line) == 0 || line[0] != ',' {
			return false
		}
		line, open = line[1:], false
	}
}

// splitQuoted splits a row in which no quoted field is left open. Fields with doubled quotes
// are rewritten into flat, which is large enough from the start: it never moves
// under the fields that point into it.
func (c *CSV) splitQuoted(line []byte) error {
	c.fields = c.fields[:0]
	c.flat = slices.Grow(c.flat[:0], len(line))
	for {
		var field []byte
		end := 0
		if len(line) > 0 && line[0] == '"' {
			field, end = c.unquote(line[1:])
			end++
		} else {
			if end = bytes.IndexByte(line, ','); end < 0 {
				end = len(line)
			}
			if field = line[:end]; bytes.IndexByte(field, '"') >= 0 {
				return c.Errorf(c.fieldName(len(c.fields)), "a quote inside a field that is not quoted: %q", clip(string(field)))
			}
		}
		name := c.fieldName(len(c.fields))
		c.fields = append(c.fields, field)
		if end == len(line) {
			return nil
		}
		if line[end] != ',' {
			return c.Errorf(name, "%q behind the closing quote: want a comma or a doubled quote", clip(string(line[end:])))
		}
		line = line[end+1:]
	}
}

// unquote returns the field that starts behind an opening quote and the number of
// bytes up to and with its closing quote, which exists: no field is left open.
func (c *CSV) unquote(b []byte) (field []byte, n int) {
	from := len(c.flat)
	for {
		i := bytes.IndexByte(b[n:], '"')
		closed := n+i+1 == len(b) || b[n+i+1] != '"'
		if closed && from == len(c.flat) { // no doubled quote: no copy
			return b[n : n+i], n + i + 1
		}
		c.flat = append(c.flat, b[n:n+i]...)
		if closed {
			return c.flat[from:], n + i + 1
		}
		c.flat = append(c.flat, '"')
		n += i + 2
	}
}

func (c *CSV) invalidUTF8() error {
	for i, f := range c.fields {
		if !utf8.Valid(f) {
			return c.Errorf(c.fieldName(i), "%q is not valid UTF-8", clip(string(f)))
		}
	}
	return c.Errorf("", "not valid UTF-8")
}

func (c *CSV) fieldName(i int) string {
	if i < len(c.header) {
		return c.header[i]
	}
	return ""
}

// Errorf is a *trace.RowError about a field of the current row.
func (c *CSV) Errorf(field, format string, args ...any) error {
	return &trace.RowError{File: c.lines.path, Row: c.row, Field: field, Msg: fmt.Sprintf(format, args...)}
}

// clip keeps messages readable when a field is not.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
