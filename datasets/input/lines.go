package input

import (
	"bytes"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// DefaultMaxLine is the longest line, in bytes, that is read unless a caller asks
// for another bound.
const DefaultMaxLine = 16 << 20

// Lines cuts a stream into lines. Memory: the longest line seen, rounded up to a
// power of two, at least 256 KiB and at most about the bound.
type Lines struct {
	path  string
	r     io.Reader
	max   int
	buf   []byte
	start int // of what is unread
	end   int
	row   int64
	err   error
}

const lineBuffer = 256 << 10

// NewLines reads lines of at most max bytes, without their end; max <= 0 means
// DefaultMaxLine. path is for messages.
func NewLines(path string, r io.Reader, max int) *Lines {
	if max <= 0 {
		max = DefaultMaxLine
	}
	return &Lines{path: path, r: r, max: max, buf: make([]byte, lineBuffer)}
}

// Next returns the next line without "\n" or "\r\n", valid until the next call.
// A line above the bound is skipped, never held in memory, and reported as a
// *trace.RowError; the call after it goes on behind it. io.EOF ends the stream;
// another error is an I/O error and says after which row.
func (l *Lines) Next() ([]byte, error) {
	if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
		return l.take(i, 1)
	}
	return l.refill()
}

// Row is the number of the line that Next returned last; the first line is 1.
func (l *Lines) Row() int64 { return l.row }

// take returns the next n bytes as a line and skips its end.
func (l *Lines) take(n, skip int) ([]byte, error) {
	line := l.buf[l.start : l.start+n]
	l.start += n + skip
	l.row++
	if n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) > l.max {
		return nil, l.tooLong(int64(len(line)))
	}
	return line, nil
}

// refill looks for a line end behind what is buffered.
func (l *Lines) refill() ([]byte, error) {
	for {
		seen := l.end - l.start
		if l.err != nil {
			if l.err == io.EOF && seen > 0 {
				return l.take(seen, 0)
			}
			return nil, l.err
		}
		if seen > l.max+1 { // one more for "\r"
			return nil, l.skip()
		}
		l.fill()
		if i := bytes.IndexByte(l.buf[l.start+seen:l.end], '\n'); i >= 0 {
			return l.take(seen+i, 1)
		}
	}
}

// fill reads once, moving or growing the buffer when it is full.
func (l *Lines) fill() {
	switch {
	case l.start == l.end:
		l.start, l.end = 0, 0
	case l.end == len(l.buf) && l.start > 0:
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	case l.end == len(l.buf):
		grown := make([]byte, 2*len(l.buf))
		copy(grown, l.buf)
		l.buf = grown
	}
	for range 100 { // io.Reader may return 0, nil
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if err != nil {
			l.err = l.wrap(err)
		}
		if n > 0 || err != nil {
			return
		}
	}
	l.err = l.wrap(io.ErrNoProgress)
}

// skip drops the rest of a line that is above the bound.
func (l *Lines) skip() error {
	n := int64(0)
	for {
		i := bytes.IndexByte(l.buf[l.start:l.end], '\n')
		if i >= 0 {
			n += int64(i)
			l.start += i + 1
			break
		}
		n += int64(l.end - l.start)
		l.start, l.end = 0, 0
		if l.err != nil {
			break
		}
		l.fill()
	}
	l.row++
	return l.tooLong(n)
}

func (l *Lines) tooLong(n int64) error {
	return &trace.RowError{File: l.path, Row: l.row, Msg: fmt.Sprintf("line of %d bytes, at most %d are read: is this a text file?", n, l.max)}
}

func (l *Lines) wrap(err error) error {
	if err == io.EOF {
		return err
	}
	return fmt.Errorf("after row %d: %w", l.row, readError(l.path, err))
}
