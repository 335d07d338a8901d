// Package grpczstd teaches gRPC the compression "zstd", which the Collector's OTLP
// exporter can be told to use. Importing it registers the compressor.
package grpczstd

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
)

func init() { encoding.RegisterCompressor(compressor{}) }

// window bounds what a sender can make the decoder allocate: the largest window
// that RFC 8878 asks every decoder to support.
const window = 8 << 20

type compressor struct{}

func (compressor) Name() string { return "zstd" }

func (compressor) Compress(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
}

// readers are decoders without a stream: making one costs more than most messages.
var readers sync.Pool

// Decompress returns a reader that gRPC closes.
func (compressor) Decompress(r io.Reader) (io.Reader, error) { return NewReader(r) }

// NewReader decompresses r with the bound that gRPC messages have. It has no
// goroutine, so one that is not closed is only garbage.
func NewReader(r io.Reader) (io.ReadCloser, error) {
	if d, ok := readers.Get().(*zstd.Decoder); ok {
		if err := d.Reset(r); err != nil {
			return nil, err
		}
		return &reader{d}, nil
	}
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &reader{d}, nil
}

type reader struct{ *zstd.Decoder }

// Close gives the decoder back, once.
func (r *reader) Close() error {
	d := r.Decoder
	if d == nil {
		return nil
	}
	r.Decoder = nil
	if err := d.Reset(nil); err == nil {
		readers.Put(d)
	}
	return nil
}

func (r *reader) Read(p []byte) (int, error) {
	if r.Decoder == nil {
		return 0, io.ErrClosedPipe
	}
	return r.Decoder.Read(p)
}
