package otlp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// Framing is how messages lie in a protobuf file.
type Framing uint8

const (
	// Bare is one TracesData message, the whole file; also any number of them one
	// behind the other, which protobuf reads as one.
	Bare Framing = iota
	// VarintDelimited is a varint length before each message, as protodelim writes.
	VarintDelimited
	// Uint32Delimited is a 4-byte big-endian length before each message, as the
	// Collector's file exporter writes.
	Uint32Delimited
)

func (f Framing) String() string {
	switch f {
	case Bare:
		return "one message"
	case VarintDelimited:
		return "varint lengths"
	case Uint32Delimited:
		return "4-byte lengths"
	}
	return fmt.Sprintf("Framing(%d)", uint8(f))
}

// SniffFraming guesses the framing from the start of a file; false when none fits.
//
// TracesData has one field: it starts with 0x0a and a length. The first thing in a
// ResourceSpans is again one of a few tags, and lengths must nest. A leading zero is
// part of the length of a message below 16 MiB. The first message must not be
// empty, nor above 160 MiB with a length before it: that can look like Bare.
func SniffFraming(head []byte) (Framing, bool) {
	if len(head) > 0 && head[0] == 0 && uint32Framed(head) {
		return Uint32Delimited, true
	}
	if varintFramed(head) {
		return VarintDelimited, true
	}
	if resourceSpansField(head, 1<<62) {
		return Bare, true
	}
	return Uint32Delimited, uint32Framed(head)
}

func varintFramed(b []byte) bool {
	n, size := protowire.ConsumeVarint(b)
	return size > 0 && resourceSpansField(b[size:], n)
}

func uint32Framed(b []byte) bool {
	return len(b) > 4 && resourceSpansField(b[4:], uint64(binary.BigEndian.Uint32(b)))
}

// resourceSpansField says whether b starts with field 1 of TracesData in n bytes.
func resourceSpansField(b []byte, n uint64) bool {
	if len(b) == 0 || b[0] != 0x0a {
		return false
	}
	inner, size := protowire.ConsumeVarint(b[1:])
	if size < 0 || uint64(1+size)+inner > n {
		return false
	}
	if inner == 0 {
		return true
	}
	if len(b) == 1+size {
		return false
	}
	switch b[1+size] { // resource, scope_spans, schema_url
	case 0x0a, 0x12, 0x1a:
		return true
	}
	return false
}

// frames reads the ResourceSpans messages of a file one at a time.
type frames struct {
	src     source
	r       *bufio.Reader
	max     int
	framing Framing
	message int64  // number of the TracesData; of the ResourceSpans when Bare
	left    uint64 // bytes of the current TracesData not yet read
	buf     []byte
	cut     bool // the file ended inside a message
}

// source remembers a read error, which tells a cut file from a broken disk.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func newFrames(r io.Reader, max int) *frames {
	f := &frames{src: source{r: r}, max: max}
	f.r = bufio.NewReaderSize(&f.src, scanBuffer)
	return f
}

// sniff sets the framing.
func (f *frames) sniff() error {
	head, err := f.r.Peek(64)
	if f.src.err != nil {
		return f.src.err
	}
	if len(head) == 0 && err == io.EOF {
		return errors.New("empty: want OTLP protobuf")
	}
	framing, ok := SniffFraming(head)
	if !ok {
		return fmt.Errorf("not OTLP protobuf (starts with % x): want TracesData messages, one or many with a length before each", head[:min(8, len(head))])
	}
	f.framing = framing
	if framing == Bare {
		f.left = 1 << 62
	}
	return nil
}

// errTooLarge is a ResourceSpans above the bound: it was stepped over.
var errTooLarge = errors.New("ResourceSpans message too large")

// errCut is a file that ends inside a message.
var errCut = errors.New("the file ends in the middle of a message")

// next is the next ResourceSpans, valid until the next call. io.EOF is the end.
// errTooLarge and errCut can be followed by another next; after any other error
// the framing is lost.
func (f *frames) next() ([]byte, error) {
	for {
		if f.cut {
			return nil, io.EOF
		}
		if f.left == 0 {
			if err := f.prefix(); err != nil {
				return nil, err
			}
			continue
		}
		num, typ, err := f.tag()
		if err != nil {
			return nil, err
		}
		if num != 1 || typ != protowire.BytesType {
			if err := f.skip(typ); err != nil {
				return nil, err
			}
			continue
		}
		return f.payload()
	}
}

// prefix reads the length before a message.
func (f *frames) prefix() error {
	if _, err := f.r.Peek(1); err != nil {
		return f.readError(err, true)
	}
	f.message++
	if f.framing == Uint32Delimited {
		var b [4]byte
		if _, err := io.ReadFull(f.r, b[:]); err != nil {
			return f.readError(err, false)
		}
		f.left = uint64(binary.BigEndian.Uint32(b[:]))
		return nil
	}
	n, err := binary.ReadUvarint(f.r)
	if err != nil {
		return f.readError(err, false)
	}
	f.left = n
	return nil
}

func (f *frames) tag() (protowire.Number, protowire.Type, error) {
	if f.framing == Bare {
		if _, err := f.r.Peek(1); err != nil {
			return 0, 0, f.readError(err, true)
		}
		f.message++
	}
	v, err := f.varint()
	if err != nil {
		return 0, 0, err
	}
	num, typ := protowire.DecodeTag(v)
	if num < 1 {
		return 0, 0, fmt.Errorf("field number %d: not protobuf", num)
	}
	return num, typ, nil
}

// varint reads one inside the message.
func (f *frames) varint() (uint64, error) {
	head, err := f.r.Peek(int(min(binary.MaxVarintLen64, f.left)))
	v, n := protowire.ConsumeVarint(head)
	if n < 0 {
		if err != nil {
			return 0, f.readError(err, false)
		}
		return 0, fmt.Errorf("%w, or one longer than its message", ErrMalformed)
	}
	return v, f.discard(uint64(n))
}

// discard steps over n bytes of the message.
func (f *frames) discard(n uint64) error {
	if n > f.left {
		return fmt.Errorf("a field of %d bytes in a message that has %d left", n, f.left)
	}
	f.left -= n
	for n > 0 {
		step, err := f.r.Discard(int(min(n, 1<<30)))
		if err != nil {
			return f.readError(err, false)
		}
		n -= uint64(step)
	}
	return nil
}

func (f *frames) skip(typ protowire.Type) error {
	switch typ {
	case protowire.VarintType:
		_, err := f.varint()
		return err
	case protowire.Fixed32Type:
		return f.discard(4)
	case protowire.Fixed64Type:
		return f.discard(8)
	case protowire.BytesType:
		n, err := f.varint()
		if err != nil {
			return err
		}
		return f.discard(n)
	}
	return fmt.Errorf("wire type %d: not an OTLP message", typ)
}

func (f *frames) payload() ([]byte, error) {
	n, err := f.varint()
	if err != nil {
		return nil, err
	}
	if n > f.left || n > uint64(f.max) {
		if err := f.discard(n); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read: raise the limit", errTooLarge, n, f.max)
	}
	f.left -= n
	return f.read(int(n))
}

// read fills buf with n bytes. It grows with what arrives, not with what a wrong
// length promises.
func (f *frames) read(n int) ([]byte, error) {
	f.buf = f.buf[:0]
	for len(f.buf) < n {
		from := len(f.buf)
		f.buf = append(f.buf, make([]byte, min(n-from, max(scanBuffer, from)))...)
		if _, err := io.ReadFull(f.r, f.buf[from:]); err != nil {
			return nil, f.readError(err, false)
		}
	}
	return f.buf, nil
}

// readError is io.EOF at a boundary, errCut inside a message, or what the reader
// said.
func (f *frames) readError(err error, boundary bool) error {
	switch {
	case f.src.err != nil:
		return f.src.err
	case err == io.EOF && boundary:
		return io.EOF
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		f.cut = true
		return errCut
	}
	return err
}
