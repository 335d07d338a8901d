package otlp

import (
	"encoding/json"
	"fmt"
)

// maxDepth of nested JSON. OTLP's deepest value is an attribute of lists in lists.
const maxDepth = 200

// lexer walks one JSON value that is in memory, in the order of its bytes. It
// stops at the first syntax error: from then on every method answers no more.
// Stepping over a value checks it as strictly as reading it.
type lexer struct {
	b     []byte
	i     int
	fresh bool // a container was opened and nothing was read from it yet
	err   string
}

func (l *lexer) fail(format string, args ...any) {
	if l.err == "" {
		l.err = fmt.Sprintf(format, args...)
	}
}

// peek is the next byte that is not white space, 0 at the end or after an error.
func (l *lexer) peek() byte {
	if l.err != "" {
		return 0
	}
	for ; l.i < len(l.b); l.i++ {
		switch c := l.b[l.i]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// open enters a container whose first byte is c. False, with nothing read, when
// the value is something else.
func (l *lexer) open(c byte) bool {
	if l.peek() != c {
		return false
	}
	l.i++
	l.fresh = true
	return true
}

// more steps to the next entry of the container that ends with end, over the
// comma; false when the container ended, which is then left.
func (l *lexer) more(end byte) bool {
	c := l.peek()
	switch {
	case l.err != "":
		return false
	case c == end:
		l.i++
		l.fresh = false
		return false
	case l.fresh:
		l.fresh = false
		return true
	case c != ',':
		l.fail("%s where , or %c is wanted", l.shown(), end)
		return false
	}
	l.i++
	if l.peek() == end {
		l.fail("%c after a comma", end)
	}
	return l.err == ""
}

// shown is the next byte for a message.
func (l *lexer) shown() string {
	if l.i >= len(l.b) {
		return "the end"
	}
	return fmt.Sprintf("%q", l.b[l.i])
}

// key reads a member's name and the colon.
func (l *lexer) key() []byte {
	k := l.str()
	if l.peek() != ':' {
		l.fail("%s where : is wanted", l.shown())
		return nil
	}
	l.i++
	return k
}

// str reads a string. The result is a view into the value unless it has escapes.
func (l *lexer) str() []byte {
	raw, escaped := l.rawString()
	if !escaped || l.err != "" {
		return raw
	}
	var s string
	if err := json.Unmarshal(l.b[l.i-len(raw)-2:l.i], &s); err != nil {
		l.fail("%v", err)
	}
	return []byte(s)
}

// rawString reads a string without resolving its escapes.
func (l *lexer) rawString() (raw []byte, escaped bool) {
	if l.peek() != '"' {
		l.fail("%s where a string is wanted", l.shown())
		return nil, false
	}
	for i := l.i + 1; i < len(l.b); i++ {
		switch c := l.b[i]; {
		case c == '"':
			raw = l.b[l.i+1 : i]
			l.i = i + 1
			return raw, escaped
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			l.i = i
			l.fail("control byte %#02x in a string", c)
			return nil, false
		}
	}
	l.i = len(l.b)
	l.fail("a string does not end")
	return nil, false
}

// scalar reads a string without its quotes, or the text of a number or a literal;
// null is nil. False, with the value stepped over, for a container.
func (l *lexer) scalar() ([]byte, bool) {
	switch l.peek() {
	case '"':
		return l.str(), true
	case '{', '[':
		l.skip()
		return nil, false
	}
	word := l.word()
	if string(word) == "null" {
		return nil, true
	}
	return word, true
}

// word reads a number or a literal.
func (l *lexer) word() []byte {
	l.peek()
	from := l.i
	for l.i < len(l.b) && wordByte[l.b[l.i]] {
		l.i++
	}
	if w := l.b[from:l.i]; json.Valid(w) {
		return w
	}
	l.i = from
	l.fail("%s where a value is wanted", l.shown())
	return nil
}

// wordByte marks the bytes of numbers and literals.
var wordByte = func() (t [256]bool) {
	for _, c := range "+-.0123456789eEtrufalsn" {
		t[c] = true
	}
	return t
}()

// skip steps over one value.
func (l *lexer) skip() { l.skipDepth(0) }

func (l *lexer) skipDepth(depth int) {
	if depth > maxDepth {
		l.fail("more than %d values nested", maxDepth)
	}
	switch c := l.peek(); c {
	case '"':
		if raw, escaped := l.rawString(); escaped && !json.Valid(l.b[l.i-len(raw)-2:l.i]) {
			l.fail("a wrong escape in %s", quote(raw))
		}
	case '{':
		for l.open(c); l.more('}'); l.skipDepth(depth + 1) {
			l.key()
		}
	case '[':
		for l.open(c); l.more(']'); {
			l.skipDepth(depth + 1)
		}
	default:
		l.word()
	}
}
