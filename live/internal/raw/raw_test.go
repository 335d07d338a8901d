package raw

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A message that came in pieces is one, bytes that were freed are used again, and
// what is kept of them does not leak into the next message.
func TestMessage(t *testing.T) {
	var m Message
	for _, pieces := range [][]string{{"one, ", "two"}, {"x"}, {}, {"longer ", "than ", "before"}} {
		var in mem.BufferSlice
		for _, p := range pieces {
			in = append(in, mem.SliceBuffer(p))
		}
		if err := Codec.Unmarshal(in, &m); err != nil || !bytes.Equal(m.Data, in.Materialize()) {
			t.Fatalf("%q: got %q, %v", pieces, m.Data, err)
		}
		out, err := Codec.Marshal(&m)
		if err != nil || !bytes.Equal(out.Materialize(), m.Data) {
			t.Fatalf("%q: sent %q, %v", pieces, out.Materialize(), err)
		}
	}
	m.Free()
	m.Free()
	if m.Data != nil {
		t.Error("freed, and still there")
	}
}

// Everything else is as gRPC does it, under its name.
func TestOthers(t *testing.T) {
	out, err := Codec.Marshal(wrapperspb.String("s"))
	if err != nil {
		t.Fatal(err)
	}
	var back wrapperspb.StringValue
	if err := Codec.Unmarshal(out, &back); err != nil || back.Value != "s" || Codec.Name() != "proto" {
		t.Errorf("%v, %v, %s", &back, err, Codec.Name())
	}
	if err := Codec.Unmarshal(out, 7); err == nil {
		t.Error("a number is no message")
	}
}
