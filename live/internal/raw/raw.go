// Package raw lets gRPC carry protobuf messages as the bytes that they are, so that
// a message is walked in place on its way in, and encoded once for many receivers
// on its way out.
package raw

import (
	"sync"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of every other message
	"google.golang.org/grpc/mem"
)

// Message is a protobuf message as bytes. To send one, set Data. One that was
// received has Data until Free.
type Message struct {
	Data []byte
	buf  *[]byte // of the pool
}

// pool holds buffers of received messages. gRPC's own clears a buffer before it is
// used again, which costs as much as the copy.
var pool = sync.Pool{New: func() any { return new([]byte) }}

// keepBytes is the largest buffer that is kept: a giant's goes with it.
const keepBytes = 1 << 20

// Free gives the bytes of a received message back. Data is invalid after it.
func (m *Message) Free() {
	if m.buf != nil && cap(*m.buf) <= keepBytes {
		pool.Put(m.buf)
	}
	m.buf, m.Data = nil, nil
}

// Codec carries a *Message as it is and everything else as gRPC does by itself. It
// names itself "proto": the bytes are the same.
var Codec encoding.CodecV2 = codec{encoding.GetCodecV2("proto")}

type codec struct{ encoding.CodecV2 }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*Message); ok {
		return mem.BufferSlice{mem.SliceBuffer(m.Data)}, nil
	}
	return c.CodecV2.Marshal(v)
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*Message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	m.Free()
	m.buf = pool.Get().(*[]byte)
	n := data.Len()
	if cap(*m.buf) < n {
		*m.buf = make([]byte, n)
	}
	*m.buf = (*m.buf)[:n]
	data.CopyTo(*m.buf)
	m.Data = *m.buf
	return nil
}
