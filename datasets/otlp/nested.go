package otlp

import "fmt"

// scanClass sorts bytes for nested: most are of class 0 and cost one look-up.
const (
	classPlain = iota
	classQuote
	classEscape
	classOpen
	classClose
	classLine
)

var scanClass = [256]uint8{
	'"': classQuote, '\\': classEscape, '{': classOpen, '[': classOpen,
	'}': classClose, ']': classClose, '\n': classLine,
}

// nested passes over the rest of an object or array whose opening byte was read,
// appending it to item when keep is set. This is the hot loop of the scanner.
func (s *scanner) nested(keep bool) error {
	depth, inString, escaped := 1, false, false
	for {
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return s.ended(err)
			}
		}
		from := s.pos
		for i := from; i < s.end; i++ {
			class := scanClass[s.buf[i]]
			if escaped {
				escaped = false
				if class != classLine {
					continue
				}
			}
			if class == classPlain { // the commonest case
				continue
			}
			switch class {
			case classQuote:
				inString = !inString
			case classEscape:
				escaped = inString
			case classOpen:
				if !inString {
					depth++
				}
				if s.buf[i] == '{' && !inString && s.firstColumn(i) {
					s.pos, s.column0 = i, true
					return s.problem("the record has not ended when the next one starts")
				}
			case classClose:
				if !inString {
					depth--
				}
			case classLine:
				if inString {
					s.pos = i
					return s.problem("a line ends inside a string")
				}
				s.line++
			}
			if depth == 0 {
				s.pos = i + 1
				s.column0 = false
				return s.keep(keep, s.buf[from:s.pos])
			}
		}
		s.pos = s.end
		s.column0 = s.buf[s.end-1] == '\n'
		if err := s.keep(keep, s.buf[from:s.end]); err != nil {
			return err
		}
	}
}

// firstColumn says whether buf[i] starts a line.
func (s *scanner) firstColumn(i int) bool {
	if i == 0 {
		return s.column0
	}
	return s.buf[i-1] == '\n'
}

func (s *scanner) keep(keep bool, b []byte) error {
	if !keep {
		return nil
	}
	if len(s.item)+len(b) > s.max {
		return &problem{line: s.from, msg: fmt.Sprintf("a ResourceSpans object of more than %d bytes: split it, or raise the limit", s.max)}
	}
	s.item = append(s.item, b...)
	return nil
}
