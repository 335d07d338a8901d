package eval

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// lanes is how many replicates are computed side by side: their weights are the
// bytes of one word, so that one random access to memory serves all of them.
const lanes = 8

// maxGroups is the largest number of clusters that are resampled: a power of two.
const maxGroups = 1 << 14

// groupsOf is into how many groups that many traces fall.
func groupsOf(traces int) int { return min(traces, maxGroups) }

// groupMask takes the number of a trace's group out of a ref.
func groupMask(groups int) uint32 {
	if groups < maxGroups {
		return traceMask
	}
	return maxGroups - 1
}

// maxWeight is the largest weight that poisson draws: the chance of a larger one
// is below its 2^-32 resolution.
const maxWeight = 12

// poissonTable draws Poisson(1) from 32 random bits by inversion: weight k for u in
// [cdf[k-1], cdf[k]). Most draws are decided by the top bits alone.
type poissonTable struct {
	cdf  [maxWeight]uint64 // of 2^32
	fast [1 << fastBits]uint8
}

const (
	fastBits  = 11
	undecided = 0xFF
)

var poisson = newPoissonTable()

func newPoissonTable() *poissonTable {
	t := &poissonTable{}
	// 1/math.E is a constant, so every machine computes the same table.
	p, sum := float64(1/math.E), 0.0
	for k := range t.cdf {
		sum += p
		t.cdf[k] = uint64(math.Round(sum * (1 << 32)))
		p /= float64(k + 1)
	}
	for i := range t.fast {
		first := uint32(i) << (32 - fastBits)
		last := first | (1<<(32-fastBits) - 1)
		if t.fast[i] = t.search(first); t.search(last) != t.fast[i] {
			t.fast[i] = undecided
		}
	}
	return t
}

func (t *poissonTable) draw(u uint32) uint8 {
	if w := t.fast[u>>(32-fastBits)]; w != undecided {
		return w
	}
	return t.search(u)
}

func (t *poissonTable) search(u uint32) uint8 {
	k := 0
	for k < len(t.cdf) && uint64(u) >= t.cdf[k] {
		k++
	}
	return uint8(k)
}

// fillWeights draws one word of lanes weights a group. It depends on seed and block
// alone, so columns over the same traces get the same weights and their replicates
// are paired.
func fillWeights(w []uint64, seed, block uint64) {
	src := rand.NewPCG(seed, block)
	for i := range w {
		var word uint64
		for k := 0; k < lanes; k += 2 {
			u := src.Uint64()
			word |= uint64(poisson.draw(uint32(u)))<<(8*k) | uint64(poisson.draw(uint32(u>>32)))<<(8*k+8)
		}
		w[i] = word
	}
}

// laneSums adds the weights of refs, lane by lane, to sum.
func laneSums(refs []uint32, w []uint64, sum *[lanes]int64) {
	const even = 0x00FF00FF00FF00FF
	const chunkMax = math.MaxUint16 / maxWeight // a 16-bit lane cannot overflow
	mask := groupMask(len(w))
	for len(refs) > 0 {
		chunk := refs[:min(len(refs), chunkMax)]
		refs = refs[len(chunk):]
		var lo, hi uint64
		for _, r := range chunk {
			x := w[r&mask]
			lo += x & even
			hi += x >> 8 & even
		}
		for k := range lanes / 2 {
			sum[2*k] += int64(lo >> (16 * k) & 0xFFFF)
			sum[2*k+1] += int64(hi >> (16 * k) & 0xFFFF)
		}
	}
}

// eachBlock calls f once a block of lanes replicates, on all cores, with the
// block's weights. f writes to places of its own block only, so the outcome is the
// same on any number of cores.
func eachBlock(groups, replicates int, seed uint64, f func(block int, w []uint64)) {
	blocks := (replicates + lanes - 1) / lanes
	next := make(chan int, blocks)
	for b := range blocks {
		next <- b
	}
	close(next)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		wg.Go(func() {
			w := make([]uint64, groups)
			for b := range next {
				fillWeights(w, seed, uint64(b))
				f(b, w)
			}
		})
	}
	wg.Wait()
}
