package otlp

import (
	"bytes"
	"fmt"
	"io"
)

// scanner cuts a stream of JSON documents into the objects of their resourceSpans
// arrays, without holding more than one of them. It looks at structure only:
// braces, brackets and strings.
//
// A "{" in the first column always starts a document. That is how it finds back
// after a record that was cut off, in JSON lines and in pretty-printed documents
// alike; what it cannot read is a document whose nested objects are not indented
// but do stand on lines of their own.
type scanner struct {
	r        io.Reader
	max      int
	buf      []byte
	pos, end int
	line     int64 // of the byte at pos
	column0  bool  // the byte before pos was a line end, or there was none
	err      error // of r

	state scanState
	seen  bool   // a document, or something that is none
	fresh bool   // the container was opened and nothing read from it yet
	found bool   // the document has resourceSpans
	other string // another member of the document
	item  []byte // the object that was cut out last
	from  int64  // the line on which item starts
}

type scanState uint8

const (
	betweenDocuments scanState = iota
	inDocument
	inResourceSpans
)

const scanBuffer = 64 << 10

func newScanner(r io.Reader, max int) *scanner {
	return &scanner{r: r, max: max, buf: make([]byte, scanBuffer), line: 1, column0: true}
}

// problem is a record that cannot be read; the scanner is behind it.
type problem struct {
	line  int64
	msg   string
	whole bool // the record was well-formed: nothing is to be skipped
}

func (p *problem) Error() string { return p.msg }

// next puts an object into item. io.EOF is the end, a *problem a bad record, any
// other error comes from the reader.
func (s *scanner) next() error {
	for {
		done, err := s.step()
		if p, ok := err.(*problem); ok {
			err = s.resync(p)
		}
		if done || err != nil {
			return err
		}
	}
}

func (s *scanner) step() (done bool, err error) {
	c, err := s.token()
	if err == io.EOF && s.state != betweenDocuments {
		return false, s.problem("the input ends in the middle of a record")
	}
	if err != nil {
		return false, err
	}
	switch s.state {
	case betweenDocuments:
		return false, s.document(c)
	case inDocument:
		return false, s.member(c)
	default:
		return s.element(c)
	}
}

func (s *scanner) document(c byte) error {
	if c == '[' || c == ',' || c == ']' { // documents in a list
		return nil
	}
	s.seen = true
	if c != '{' {
		return s.problem("%q where { is wanted: each line, or the whole file, is one JSON object", c)
	}
	s.state, s.fresh, s.found, s.other = inDocument, true, false, ""
	return nil
}

func (s *scanner) member(c byte) error {
	if c == '}' {
		s.state = betweenDocuments
		if !s.found && s.other != "" {
			return &problem{s.line, fmt.Sprintf("no resourceSpans in this object, but %q: not a trace export", s.other), true}
		}
		return nil
	}
	if c, err := s.separated(c); err != nil || c != '"' {
		return s.unexpected(c, err, "a member's name")
	}
	name, err := s.name()
	if err != nil {
		return err
	}
	if c, err := s.token(); err != nil || c != ':' {
		return s.unexpected(c, err, ":")
	}
	if c, err = s.token(); err != nil {
		return s.unexpected(c, err, "a value")
	}
	switch name {
	case "resourceSpans", "resource_spans", "batches": // the last is Tempo's
	default:
		s.other = name
		return s.skip(c)
	}
	s.found = true
	if c == '[' {
		s.state, s.fresh = inResourceSpans, true
		return nil
	}
	if c != 'n' { // null is no list too
		return s.problem("%q where the list of %s is wanted", c, name)
	}
	return s.skip(c)
}

func (s *scanner) element(c byte) (done bool, err error) {
	if c == ']' {
		s.state, s.fresh = inDocument, false
		return false, nil
	}
	if c, err := s.separated(c); err != nil || c != '{' {
		return false, s.unexpected(c, err, "a ResourceSpans object")
	}
	s.item, s.from = append(s.item[:0], '{'), s.line
	return true, s.nested(true)
}

// separated steps over the comma that must stand before every entry but the first.
func (s *scanner) separated(c byte) (byte, error) {
	if s.fresh {
		s.fresh = false
		return c, nil
	}
	if c != ',' {
		return c, s.problem("%q where , is wanted", c)
	}
	return s.token()
}

// token is the next byte that is not white space.
func (s *scanner) token() (byte, error) {
	for {
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return 0, err
			}
		}
		c := s.buf[s.pos]
		switch c {
		case '\n':
			s.line++
			s.column0 = true
		case ' ', '\t', '\r':
			s.column0 = false
		case 0xef, 0xbb, 0xbf: // a byte order mark
			if s.state != betweenDocuments {
				s.pos++
				return c, nil
			}
		default:
			if c == '{' && s.column0 && s.state != betweenDocuments {
				return 0, s.problem("the record has not ended when the next one starts")
			}
			s.column0 = false
			s.pos++
			return c, nil
		}
		s.pos++
	}
}

// name reads a member's name behind its opening quote. Long ones are cut: they
// are none of ours.
func (s *scanner) name() (string, error) {
	const most = 64
	s.item = s.item[:0]
	err := s.text(func(b []byte) {
		if n := most - len(s.item); n > 0 {
			s.item = append(s.item, b[:min(n, len(b))]...)
		}
	})
	return string(s.item), err
}

// text passes over a string behind its opening quote, giving its bytes to keep.
func (s *scanner) text(keep func([]byte)) error {
	escaped := false
	for {
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return s.ended(err)
			}
		}
		for i := s.pos; i < s.end; i++ {
			switch c := s.buf[i]; {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				keep(s.buf[s.pos:i])
				s.pos = i + 1
				return nil
			case c == '\n':
				s.pos = i
				return s.problem("a line ends inside a string")
			}
		}
		keep(s.buf[s.pos:s.end])
		s.pos = s.end
	}
}

// skip passes over a value that starts with c.
func (s *scanner) skip(c byte) error {
	switch c {
	case '{', '[':
		return s.nested(false)
	case '"':
		return s.text(func([]byte) {})
	case ',', '}', ']', ':':
		return s.problem("%q where a value is wanted", c)
	}
	for { // a number or literal
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return s.ended(err)
			}
		}
		switch s.buf[s.pos] {
		case ',', '}', '\n', ' ', '\t', '\r':
			return nil
		}
		s.pos++
	}
}

// unexpected is err, or that c stands where something else is wanted.
func (s *scanner) unexpected(c byte, err error, want string) error {
	if err != nil {
		return s.ended(err)
	}
	return s.problem("%q where %s is wanted", c, want)
}

func (s *scanner) ended(err error) error {
	if err == io.EOF {
		return s.problem("the input ends in the middle of a record")
	}
	return err
}

func (s *scanner) problem(format string, args ...any) error {
	return &problem{line: s.line, msg: fmt.Sprintf(format, args...)}
}

// fill reads more; it is called when all was taken.
func (s *scanner) fill() error {
	for range 100 { // a Reader may return 0, nil
		if s.err != nil {
			return s.err
		}
		s.pos = 0
		s.end, s.err = s.r.Read(s.buf)
		if s.end > 0 {
			return nil
		}
	}
	s.err = io.ErrNoProgress
	return s.err
}

// resync drops bytes up to the next "{" in the first column and adds to p how
// many lines that were.
func (s *scanner) resync(p *problem) error {
	if p.whole {
		return p
	}
	s.state = betweenDocuments
	for {
		if s.pos == s.end {
			if err := s.fill(); err == io.EOF {
				p.msg += fmt.Sprintf("; skipped to the end, line %d", s.line)
				return p
			} else if err != nil {
				return err
			}
		}
		if s.buf[s.pos] == '{' && s.column0 {
			p.msg += fmt.Sprintf("; skipped to line %d", s.line)
			return p
		}
		i := bytes.IndexByte(s.buf[s.pos:s.end], '\n')
		if s.column0 = i >= 0; !s.column0 {
			s.pos = s.end
			continue
		}
		s.line++
		s.pos += i + 1
	}
}
