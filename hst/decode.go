package hst

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// decoder reads a snapshot. After the first error every read gives zero. It never
// allocates more than the bytes it was given justify.
type decoder struct {
	rest []byte
	err  error
}

// take is the next n bytes.
func (d *decoder) take(n int) []byte {
	if d.err == nil && n > len(d.rest) {
		d.err = errors.New("ends too early")
	}
	if d.err != nil {
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uint8() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) float64() float64 { return math.Float64frombits(d.uint64()) }

// count is a u32 number of things of at least size bytes each.
func (d *decoder) count(size uint64) int {
	n := d.uint32()
	if d.err == nil && uint64(n)*size > uint64(len(d.rest)) {
		d.err = fmt.Errorf("says %d entries follow, more than its %d bytes can hold", n, len(d.rest))
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

func (d *decoder) string() string { return string(d.take(d.count(1))) }

// upTo is a varint of at most limit; nothing is stored where the limit is zero.
func (d *decoder) upTo(limit uint32) uint32 {
	if limit == 0 || d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.rest)
	switch {
	case n <= 0:
		d.err = errors.New("ends within the masses")
		return 0
	case v > uint64(limit):
		d.err = fmt.Errorf("a node has mass %d, its parent only %d", v, limit)
		return 0
	}
	d.rest = d.rest[n:]
	return uint32(v)
}

// header reads what appendHeader writes after the version.
func (d *decoder) header() (cfg Config, features []string) {
	cfg.Variant = Variant(d.uint8())
	cfg.Trees = int(d.uint32())
	cfg.Height = int(d.uint8())
	cfg.Window = int(d.uint32())
	cfg.Seed.negative = d.uint8() != 0
	cfg.Seed.magnitude = d.string()
	if m := cfg.Seed.magnitude; d.err == nil && (m != "" && m[0] == 0 || m == "" && cfg.Seed.negative) {
		d.err = errors.New("its seed is not in normal form")
	}
	limits := d.count(4 + 8 + 8)
	if limits > 0 {
		cfg.Limits = make(map[string][2]float64, limits)
	}
	for range limits {
		name := d.string()
		cfg.Limits[name] = [2]float64{d.float64(), d.float64()}
	}
	if d.err == nil && len(cfg.Limits) != limits {
		d.err = errors.New("it repeats the limits of a feature")
	}
	for range d.count(4) {
		features = append(features, d.string())
	}
	return cfg, features
}
