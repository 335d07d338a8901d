package eval

const (
	digitBits = 11
	digits    = (64 + digitBits - 1) / digitBits
)

// radixSort sorts key ascending and carries ref along: least significant digit
// first, skipping digits in which all keys agree. It is stable. key2 and ref2 are
// room of the same lengths.
func radixSort(key []uint64, ref []uint32, key2 []uint64, ref2 []uint32) {
	var count [digits][1 << digitBits]uint32
	for _, k := range key {
		for d := range count {
			count[d][k>>(d*digitBits)&(1<<digitBits-1)]++
		}
	}
	from, fromRef, to, toRef := key, ref, key2, ref2
	for d := range count {
		if !startsOf(&count[d], uint32(len(key))) {
			continue
		}
		next := &count[d]
		for i, k := range from {
			digit := k >> (d * digitBits) & (1<<digitBits - 1)
			to[next[digit]], toRef[next[digit]] = k, fromRef[i]
			next[digit]++
		}
		from, to, fromRef, toRef = to, from, toRef, fromRef
	}
	if len(key) > 0 && &from[0] != &key[0] {
		copy(key, from)
		copy(ref, fromRef)
	}
}

// startsOf turns counts into first positions. It is false if one digit has all n.
func startsOf(count *[1 << digitBits]uint32, n uint32) bool {
	var sum uint32
	for i, c := range count {
		if c == n {
			return false
		}
		count[i] = sum
		sum += c
	}
	return true
}
