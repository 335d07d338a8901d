package otelgen

import (
	"io"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
)

// The Collector's OTLP exporter can be told to compress with zstd, which gRPC does
// not know by itself.
func init() { encoding.RegisterCompressor(zstdCompressor{}) }

// zstdWindow bounds what a sender can make the decoder allocate: the largest
// window that RFC 8878 asks every decoder to support.
const zstdWindow = 8 << 20

type zstdCompressor struct{}

func (zstdCompressor) Name() string { return "zstd" }

func (zstdCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
}

// Decompress returns a reader that gRPC closes. Without concurrency it has no
// goroutine to leak.
func (zstdCompressor) Decompress(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
