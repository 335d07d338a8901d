package live

import "slices"

// ends is a window of nothing but the times at which spans ended, exact like [window],
// for counts of all spans: these are many. They lie in blocks, so that the oldest are
// forgotten, and new ones come, without a move of what is in between.
//
// Memory: 8 bytes an entry and two blocks, at most twice max entries. Past max the
// oldest are dropped and counted.
type ends struct {
	blocks  [][]int64 // in order; all of endsBlock entries but the last
	skip    int       // forgotten entries of the first block
	fresh   []int64   // as they came
	spare   [][]int64 // empty blocks
	max     int
	dropped int64
}

const endsBlock = 128

func (e *ends) add(end int64) {
	e.fresh = append(e.fresh, end)
	if e.sorted()+len(e.fresh) >= 2*e.max {
		e.tidy(minTime)
	}
}

// sorted is how many entries are in order.
func (e *ends) sorted() int {
	n := len(e.blocks)
	if n == 0 {
		return 0
	}
	return (n-1)*endsBlock + len(e.blocks[n-1]) - e.skip
}

// at is sorted entry i.
func (e *ends) at(i int) int64 {
	i += e.skip
	return e.blocks[i/endsBlock][i%endsBlock]
}

// tidy sorts what arrived since the last call and forgets what ended at or before
// horizon. Cost: O(new log new), and what lies after the oldest new one.
func (e *ends) tidy(horizon int64) {
	if !slices.IsSorted(e.fresh) {
		slices.Sort(e.fresh)
	}
	if len(e.fresh) > 0 {
		e.merge()
	}
	e.forget(e.after(horizon))
	if over := e.sorted() - e.max; over > 0 {
		e.forget(over)
		e.dropped += int64(over)
	}
	const small = 64
	if cap(e.fresh) > 4*max(len(e.fresh), small) {
		e.fresh = nil
	}
	e.fresh = e.fresh[:0]
	if len(e.spare) > len(e.blocks)/8+1 {
		e.spare = slices.Delete(e.spare, len(e.blocks)/8+1, len(e.spare))
	}
}

// merge puts the fresh entries, which are sorted, where they belong.
func (e *ends) merge() {
	// What ended after the first of them makes room first.
	from := e.after(e.fresh[0])
	if later := e.sorted() - from; later > 0 {
		tail := make([]int64, later)
		for i := range tail {
			tail[i] = e.at(from + i)
		}
		e.cut(from)
		for i, j := 0, 0; i < len(tail) || j < len(e.fresh); {
			if j == len(e.fresh) || i < len(tail) && tail[i] <= e.fresh[j] {
				e.push(tail[i : i+1])
				i++
			} else {
				e.push(e.fresh[j : j+1])
				j++
			}
		}
		return
	}
	e.push(e.fresh)
}

// cut takes away the sorted entries from n on.
func (e *ends) cut(n int) {
	n += e.skip
	keep := (n + endsBlock - 1) / endsBlock
	for _, b := range e.blocks[keep:] {
		e.spare = append(e.spare, b[:0])
	}
	e.blocks = slices.Delete(e.blocks, keep, len(e.blocks))
	if keep > 0 {
		e.blocks[keep-1] = e.blocks[keep-1][:n-(keep-1)*endsBlock]
	}
}

// push appends to the last block, and to new ones.
func (e *ends) push(more []int64) {
	for len(more) > 0 {
		n := len(e.blocks)
		if n == 0 || len(e.blocks[n-1]) == endsBlock {
			e.blocks = append(e.blocks, e.block())
			n++
		}
		last := &e.blocks[n-1]
		k := min(len(more), endsBlock-len(*last))
		*last = append(*last, more[:k]...)
		more = more[k:]
	}
}

func (e *ends) block() []int64 {
	if n := len(e.spare); n > 0 {
		b := e.spare[n-1]
		e.spare = e.spare[:n-1]
		return b
	}
	return make([]int64, 0, endsBlock)
}

// forget takes away the first n sorted entries.
func (e *ends) forget(n int) {
	e.skip += n
	whole := min(e.skip/endsBlock, len(e.blocks))
	for _, b := range e.blocks[:whole] {
		e.spare = append(e.spare, b[:0])
	}
	e.blocks = slices.Delete(e.blocks, 0, whole)
	e.skip -= whole * endsBlock
}

// after is the index of the first sorted entry that ended after t.
func (e *ends) after(t int64) int {
	b, _ := slices.BinarySearchFunc(e.blocks, t, func(b []int64, t int64) int {
		if len(b) > 0 && b[len(b)-1] > t {
			return 1
		}
		return -1
	})
	if b == len(e.blocks) {
		return e.sorted()
	}
	first := 0
	if b == 0 {
		first = e.skip
	}
	i, _ := slices.BinarySearchFunc(e.blocks[b][first:], t, func(end, t int64) int {
		if end > t {
			return 1
		}
		return -1
	})
	return b*endsBlock + first + i - e.skip
}

// count is the number of sorted entries with an end in (from, to].
func (e *ends) count(from, to int64) int { return e.after(to) - e.after(from) }
