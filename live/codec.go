package live

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// codec walks the state of a pipeline and either writes it or reads it: one
// description of the format serves both ways, so they cannot drift apart.
//
// After the first error every read gives zero. What it allocates is bounded by the
// bytes it was given and the caps of the lists.
type codec struct {
	buf     []byte    // what was written and not spilled yet, or what is left to read
	to      io.Writer // where what was written goes
	reading bool
	err     error
	// Names and verdicts are written once and referred to by number after that:
	// names repeat, and a verdict is shared by a window and an open trace.
	names        []string
	nameNo       map[string]int64
	verdicts     []*verdict
	verdictNo    map[*verdict]int64
	calls, peers int // that there are
}

func newWriter(to io.Writer) *codec {
	return &codec{to: to, nameNo: map[string]int64{}, verdictNo: map[*verdict]int64{}}
}

func newReader(b []byte) *codec { return &codec{buf: b, reading: true} }

// spillAt is how much of what was written is held before it goes on.
const spillAt = 32 << 10

// spill passes on what was written.
func (c *codec) spill() {
	if c.err == nil {
		_, c.err = c.to.Write(c.buf)
	}
	c.buf = c.buf[:0]
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// bad says whether reading has failed.
func (c *codec) bad() bool { return c.err != nil }

// integer is a varint; a value that its type cannot hold is an error.
func integer[T ~int | ~int8 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](c *codec, v *T) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, int64(*v))
		return
	}
	*v = 0
	if c.bad() {
		return
	}
	x, n := binary.Varint(c.buf)
	if n <= 0 {
		c.fail("ends too early")
		return
	}
	c.buf = c.buf[n:]
	if *v = T(x); int64(*v) != x {
		c.fail("%d is out of range", x)
		*v = 0
	}
}

func (c *codec) integers(vs ...*int64) {
	for _, v := range vs {
		integer(c, v)
	}
}

// take is the next n bytes to read; nil when there are fewer.
func (c *codec) take(n int) []byte {
	if c.bad() || n > len(c.buf) {
		c.fail("ends too early")
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

// word is eight bytes, for what is random.
func word[T ~uint64](c *codec, v *T) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, uint64(*v))
	} else if b := c.take(8); b != nil {
		*v = T(binary.LittleEndian.Uint64(b))
	}
}

func (c *codec) numbers(vs ...*float64) {
	for _, v := range vs {
		bits := math.Float64bits(*v)
		word(c, &bits)
		*v = math.Float64frombits(bits)
	}
}

func (c *codec) flags(vs ...*bool) {
	for _, v := range vs {
		n := uint8(0)
		if *v {
			n = 1
		}
		integer(c, &n)
		*v = n == 1
		if n > 1 {
			c.fail("%d is neither true nor false", n)
		}
	}
}

// reference is the number of something that is written where it is met first: next
// is its number then.
func (c *codec) reference(no *int64, next int) (first bool) {
	integer(c, no)
	if c.reading && (*no < 0 || *no > int64(next)) {
		c.fail("refers to what was not there yet")
		*no = 0
	}
	return *no == int64(next)
}

// maxSnapshotText bounds a name: a sanitiser may have made one longer than MaxName.
const maxSnapshotText = 1 << 16

// texts are names.
func (c *codec) texts(ss ...*string) {
	for _, s := range ss {
		c.text(s)
	}
}

func (c *codec) text(s *string) {
	next := len(c.names)
	no, known := c.nameNo[*s]
	if !known {
		no = int64(next)
	}
	if !c.reference(&no, next) {
		if c.reading && !c.bad() {
			*s = c.names[no]
		}
		return
	}
	n := len(*s)
	integer(c, &n)
	if !c.reading {
		c.buf = append(c.buf, *s...)
		c.nameNo[*s] = no
	} else if n < 0 || n > maxSnapshotText {
		c.fail("a name of %d bytes, want at most %d", n, maxSnapshotText)
	} else {
		*s = string(c.take(n))
	}
	c.names = append(c.names, *s)
}

// document is a value as JSON.
func (c *codec) document(v any) {
	if !c.reading {
		b, err := json.Marshal(v)
		if err != nil {
			c.fail("%v", err)
		}
		integer(c, ptr(len(b)))
		c.buf = append(c.buf, b...)
		return
	}
	n := 0
	integer(c, &n)
	if b := c.take(max(n, 0)); b != nil {
		if err := json.Unmarshal(b, v); err != nil {
			c.fail("%v", err)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// list walks a slice of at most most elements, which take a byte each at least.
func list[T any](c *codec, s *[]T, most int, each func(*T)) {
	n := len(*s)
	integer(c, &n)
	if !c.reading {
		for i := range *s {
			each(&(*s)[i])
			if len(c.buf) >= spillAt {
				c.spill()
			}
		}
		return
	}
	*s = nil
	if n < 0 || n > most || n > len(c.buf) {
		c.fail("a list of %d, want at most %d", n, min(most, len(c.buf)))
	}
	for range n {
		if c.bad() {
			return
		}
		var x T
		each(&x)
		*s = append(*s, x)
	}
}

// call is a trace.Call that is known.
func (c *codec) call(v *trace.Call) {
	integer(c, v)
	if c.reading && int(*v) >= c.calls {
		c.fail("call %d of %d", *v, c.calls)
		*v = 0
	}
}

func (c *codec) traceID(id *trace.TraceID) {
	word(c, &id.Hi)
	word(c, &id.Lo)
}

// verdict is one that others may point to as well; nil is number 0.
func (c *codec) verdict(v **verdict) {
	next := len(c.verdicts) + 1
	no := int64(0)
	if *v != nil {
		known := false
		if no, known = c.verdictNo[*v]; !known {
			no = int64(next)
		}
	}
	if !c.reference(&no, next) {
		if c.reading && no > 0 {
			*v = c.verdicts[no-1]
		}
		return
	}
	if c.reading {
		*v = &verdict{}
	} else {
		c.verdictNo[*v] = no
	}
	c.verdicts = append(c.verdicts, *v)
	(*v).walk(c)
}

func (v *verdict) walk(c *codec) {
	c.flags(&v.known)
	if !v.known {
		return
	}
	c.flags(&v.incomplete, &v.diffuse, &v.waiting)
	c.text(&v.service)
	c.call(&v.call)
	integer(c, &v.self)
	c.numbers(&v.normal, &v.excess)
	c.text(&v.queue)
}
