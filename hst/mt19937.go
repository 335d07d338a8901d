package hst

// The constants of MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM
// TOMACS 8(1), 1998) and of its init_by_array.
const (
	mtWords     = 624
	mtMiddle    = 397
	mtMatrix    = 0x9908b0df
	mtUpper     = 0x80000000
	mtLower     = 0x7fffffff
	mtArraySeed = 19650218
)

// mt19937 is the generator of CPython's random.Random, seeded the same way, so
// that a forest grown from it is River's forest. Not safe for concurrent use.
type mt19937 struct {
	state [mtWords]uint32
	next  int // the state word that the next draw tempers; mtWords: twist first
}

// newMT19937 is CPython's random.Random(seed).
func newMT19937(seed Seed) *mt19937 {
	m := &mt19937{next: mtWords}
	m.initGenrand(mtArraySeed)
	m.initByArray(seed.words())
	return m
}

func (m *mt19937) initGenrand(s uint32) {
	m.state[0] = s
	for i := uint32(1); i < mtWords; i++ {
		prev := m.state[i-1]
		m.state[i] = 1812433253*(prev^prev>>30) + i
	}
}

func (m *mt19937) initByArray(key []uint32) {
	i, j := 1, 0
	for range max(mtWords, len(key)) {
		prev := m.state[i-1]
		m.state[i] = (m.state[i] ^ (prev^prev>>30)*1664525) + key[j] + uint32(j)
		i = m.afterInit(i)
		j = (j + 1) % len(key)
	}
	for range mtWords - 1 {
		prev := m.state[i-1]
		m.state[i] = (m.state[i] ^ (prev^prev>>30)*1566083941) - uint32(i)
		i = m.afterInit(i)
	}
	m.state[0] = mtUpper
}

// afterInit is the index after i; past the end, word 0 takes the last word and
// the walk goes on at 1.
func (m *mt19937) afterInit(i int) int {
	if i++; i < mtWords {
		return i
	}
	m.state[0] = m.state[mtWords-1]
	return 1
}

func (m *mt19937) twist() {
	for i := range m.state {
		y := m.state[i]&mtUpper | m.state[(i+1)%mtWords]&mtLower
		next := m.state[(i+mtMiddle)%mtWords] ^ y>>1
		if y&1 != 0 {
			next ^= mtMatrix
		}
		m.state[i] = next
	}
	m.next = 0
}

// uint32 is the next 32 random bits.
func (m *mt19937) uint32() uint32 {
	if m.next == mtWords {
		m.twist()
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// float64 is CPython's random(): uniform on [0, 1) in steps of 2^-53. Every
// operation in it is exact.
func (m *mt19937) float64() float64 {
	hi, lo := uint64(m.uint32()>>5), uint64(m.uint32()>>6)
	return float64(hi<<26|lo) / (1 << 53)
}

// uniform is CPython's uniform(lo, hi).
func (m *mt19937) uniform(lo, hi float64) float64 {
	return lo + float64((hi-lo)*m.float64())
}

// weighted is the index that CPython's choices draws, given the cumulative
// weights: bisect_right of random()*total, which never passes the last index.
func (m *mt19937) weighted(cumulative []float64) int {
	lo, hi := 0, len(cumulative)-1
	at := float64(m.float64() * cumulative[hi])
	for lo < hi {
		mid := (lo + hi) / 2
		if at < cumulative[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
