package otlp

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// repeat gives head, then n bytes of fill, then tail, without holding them.
func repeat(head string, fill byte, n int64, tail string) io.Reader {
	block := filler(bytes.Repeat([]byte{fill}, 64<<10))
	return io.MultiReader(strings.NewReader(head), io.LimitReader(block, n), strings.NewReader(tail))
}

// filler is an endless file of the same block.
type filler []byte

func (f filler) Read(p []byte) (int, error) { return copy(p, f), nil }

const gib = int64(1) << 30

// allocated is what f allocates in all, which bounds what it holds.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestMonstersInBoundedMemory(t *testing.T) {
	good := line(span("good", ""))
	opt := Options{MaxMessage: 1 << 20}
	head := protowire.AppendTag(nil, 1, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(gib))
	head = append(head, 0x0a, 0x00) // an empty resource, then nonsense
	tests := []struct {
		name string
		d    decoder
		want []string
	}{
		{"a line of text", NewJSON(repeat(good, 'x', gib, "\n"+good), "f", opt),
			[]string{"good", "f:2: 'x' where { is wanted: each line, or the whole file, is one JSON object; skipped to line 3", "good"}},
		{"a string in a span", NewJSON(repeat(`{"resourceSpans":[{"a":"`, 'x', gib, "\"}]}\n"+good), "f", opt),
			[]string{"f:1: a ResourceSpans object of more than 1048576 bytes: split it, or raise the limit; skipped to line 2", "good"}},
		{"a member's name", NewJSON(repeat(`{"`, 'x', 16<<20, "\":1}\n"+good), "f", opt),
			[]string{`f:1: no resourceSpans in this object, but "` + strings.Repeat("x", 64) + `": not a trace export`, "good"}},
		{"a protobuf message", NewProto(repeat(string(head), 'x', gib-2, ""), "f", opt),
			[]string{"f:1: ResourceSpans message too large: 1073741824 bytes, at most 1048576 are read: raise the limit"}},
		{"a length that lies", NewProto(bytes.NewReader(head), "f", Options{MaxMessage: 1 << 31}),
			[]string{"f:1: the file ends in the middle of a message"}},
	}
	for _, tt := range tests {
		var got []string
		if used := allocated(func() { got = report(tt.d) }); used > 8<<20 {
			t.Errorf("%s: %d bytes allocated", tt.name, used)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	n := names{}
	var b [8]byte
	for i := range uint64(maxNames + 1000) {
		binary.BigEndian.PutUint64(b[:], i&0x7f|i>>7<<8&0x7f00|i>>14<<16)
		if _, ok := n.of(b[:]); !ok {
			t.Fatalf("% x refused", b)
		}
	}
	if len(n) > maxNames {
		t.Errorf("%d names kept, at most %d wanted", len(n), maxNames)
	}
}
