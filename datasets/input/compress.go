package input

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// MaxWindow is the largest dictionary or window, in bytes, that a compressed file
// may ask for: what "xz -9e" and "zstd --long" need, twice over.
const MaxWindow = 128 << 20

type packing int

const (
	plain packing = iota
	gzipped
	bzipped
	xzipped
	zstdened
	tarball
	zipped
)

// sniffLen covers the tar magic, which lies at offset 257.
const sniffLen = 512

// sniff tells packings by their magic numbers. bzip2's is printable text, so the
// magic of its first block (or of an empty file) is wanted too.
func sniff(head []byte) packing {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case has(0, "\x1f\x8b"):
		return gzipped
	case has(0, "BZh") && (has(4, "1AY&SY") || has(4, "\x17\x72\x45\x38\x50\x90")):
		return bzipped
	case has(0, "\xfd7zXZ\x00"):
		return xzipped
	case has(0, "\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte("\x2a\x4d\x18")):
		return zstdened
	case has(0, "PK\x03\x04"):
		return zipped
	case has(257, "ustar"):
		return tarball
	}
	return plain
}

// peel puts the decompressor of k in front of p. Each is told the largest window
// that it may allocate, which is why xz is not ulikunitz/xz: that one takes up to
// 4 GiB at a header's word, and is slower.
func (p *packed) peel(k packing) error {
	src := &named{p.path, p.r}
	switch k {
	case gzipped:
		z, err := gzip.NewReader(src)
		if err != nil {
			return readError(p.path, fmt.Errorf("gzip: %w", err))
		}
		p.r = z
	case bzipped:
		p.r = bzip2.NewReader(src)
	case xzipped:
		z, err := xz.NewReader(src, MaxWindow)
		if err != nil {
			return readError(p.path, err)
		}
		p.r = z
	case zstdened:
		z, err := zstd.NewReader(src, zstd.WithDecoderMaxWindow(MaxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return readError(p.path, err)
		}
		p.r = z
		p.closers = append(p.closers, func() error { z.Close(); return nil })
	default:
		return fmt.Errorf("%s: zip archives are not read: unzip it and give the folder", p.path)
	}
	a := &ahead{r: p.r}
	p.r = a
	p.closers = append(p.closers, a.close)
	return nil
}

// packingSuffixes are stripped from names, repeatedly, so that a loader can look
// for "test.csv" whatever it is packed in. They decide nothing.
var packingSuffixes = []string{".gz", ".bz2", ".xz", ".zst", ".zstd"}

func trimPacking(name string) string {
	for _, s := range packingSuffixes {
		if rest, ok := strings.CutSuffix(name, s); ok && rest != "" && !strings.HasSuffix(rest, "/") {
			return trimPacking(rest)
		}
	}
	return name
}

// named adds the file's name to read errors, once.
type named struct {
	path string
	r    io.Reader
}

func (n *named) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if err != nil && err != io.EOF {
		err = readError(n.path, err)
	}
	return k, err
}

// ReadError is an error of the disk or of a decompressor: the stream is broken
// from there on.
type ReadError struct {
	Path string
	Err  error
}

func (e *ReadError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, xz.ErrBuf) {
		return fmt.Sprintf("%s: %v: the file ends too early, fetch it again", e.Path, e.Err)
	}
	if errors.Is(e.Err, xz.ErrMemlimit) || errors.Is(e.Err, zstd.ErrWindowSizeExceeded) {
		return fmt.Sprintf("%s: %v (%d MiB): unpack it by hand if you trust it", e.Path, e.Err, MaxWindow>>20)
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

func readError(path string, err error) error {
	var known *ReadError
	if errors.As(err, &known) {
		return known
	}
	return &ReadError{path, err}
}
