// Package raw lets gRPC carry protobuf messages as the bytes that they are, so that
// a message is walked in place on its way in, and encoded once for many receivers
// on its way out.
package raw

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of every other message
	"google.golang.org/grpc/mem"
)

// Message is a protobuf message as bytes. To send one, set Data. One that was
// received has Data until Free.
type Message struct {
	Data []byte
	buf  mem.Buffer
}

// Free gives the bytes of a received message back. Data is invalid after it.
func (m *Message) Free() {
	if m.buf != nil {
		m.buf.Free()
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
	m.buf = data.MaterializeToBuffer(mem.DefaultBufferPool())
	m.Data = m.buf.ReadOnlyData()
	return nil
}
