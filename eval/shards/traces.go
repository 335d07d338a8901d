package shards

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Traces lists the traces of a shard with their first and last span, in bounded memory:
// what does not fit is sorted into temporary files. It counts in a goroutine of its own.
//
// Traces are told apart by 64 bits of a hash: of 10^8 traces two are taken for one with
// a chance of 3 in 10 000. A span without trace id is a trace of its own.
//
// A trace whose spans come far apart has several records at first: what is looked up is
// where those are that a span came of lately, a table that stays in a core's cache.
//
// Memory: some 50 MB at most.
type Traces struct {
	last    trace.TraceID // of the last entry of batch
	batch   []record
	batches chan []record
	free    chan []record
	done    chan struct{}

	// Of the goroutine, until done is closed.
	limit   int
	recent  [1 << 12]place
	records []record
	runs    []*os.File
	err     error
}

// place is where the record of a hash is.
type place struct {
	hash uint64
	at   int32 // its index + 1; 0: nowhere
}

// record is a trace and the rows of its first and last span.
type record struct {
	hash        uint64
	first, last int64
}

const (
	tracesBatch = 1 << 12
	tracesLimit = 1 << 20
)

// NewTraces starts an empty list. Close ends it.
func NewTraces() *Traces { return newTraces(tracesLimit) }

func newTraces(limit int) *Traces {
	t := &Traces{
		batch:   make([]record, 0, tracesBatch),
		batches: make(chan []record, 4),
		free:    make(chan []record, 4),
		done:    make(chan struct{}),
		limit:   limit,
	}
	go t.run(t.batches)
	return t
}

// Add tells of a span. Rows ascend.
func (t *Traces) Add(id trace.TraceID, row int64) {
	if n := len(t.batch); n > 0 && id == t.last && id != (trace.TraceID{}) {
		t.batch[n-1].last = row // many sources keep the spans of a trace together
		return
	}
	if len(t.batch) == tracesBatch {
		t.send()
	}
	t.batch = append(t.batch, record{traceHash(id, row), row, row})
	t.last = id
}

func (t *Traces) send() {
	t.batches <- t.batch
	select {
	case t.batch = <-t.free:
	default:
		t.batch = make([]record, 0, tracesBatch)
	}
}

// traceHash mixes an id with the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func traceHash(id trace.TraceID, row int64) uint64 {
	x := id.Lo ^ mix(id.Hi)
	if id == (trace.TraceID{}) {
		x = mix(uint64(row)) ^ 0x6e6f6e65 // "none": apart from ids that are small numbers
	}
	return mix(x)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (t *Traces) run(batches <-chan []record) {
	defer close(t.done)
	for batch := range batches {
		for _, s := range batch {
			t.count(s)
		}
		select {
		case t.free <- batch[:0]:
		default:
		}
	}
}

func (t *Traces) count(s record) {
	p := &t.recent[s.hash%uint64(len(t.recent))]
	if p.hash == s.hash && p.at != 0 {
		t.records[p.at-1].last = s.last
		return
	}
	if len(t.records) == t.limit {
		if t.compact(); len(t.records) > t.limit/2 {
			t.err = errors.Join(t.err, t.spill())
		}
	}
	t.records = append(t.records, s)
	*p = place{s.hash, int32(len(t.records))}
}

// compact sorts the records and makes one of those of a trace. Nothing is recent then.
func (t *Traces) compact() {
	clear(t.recent[:])
	slices.SortFunc(t.records, byHash)
	kept := 0
	for _, r := range t.records {
		if kept > 0 && t.records[kept-1].hash == r.hash {
			same := &t.records[kept-1]
			same.first, same.last = min(same.first, r.first), max(same.last, r.last)
			continue
		}
		t.records[kept] = r
		kept++
	}
	t.records = t.records[:kept]
}

// spill writes the records, which are compact, into a file.
func (t *Traces) spill() error {
	f, err := os.CreateTemp("", "scale-eval-traces-")
	if err != nil {
		return fmt.Errorf("a temporary file for traces: %w", err)
	}
	t.runs = append(t.runs, f)
	w := newRecordWriter(f)
	for _, r := range t.records {
		w.write(r)
	}
	t.records = t.records[:0]
	if err := w.w.Flush(); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

func byHash(a, b record) int { return cmp.Compare(a.hash, b.hash) }

// recordWriter writes records by ascending hash, each as three numbers of variable length:
// the gap to the hash before it, its first row, and how much further the last one is. That
// is half of what they take in memory, and compressing would not halve it again: hashes
// are as good as random.
type recordWriter struct {
	w    *bufio.Writer // keeps the first error
	last uint64
}

func newRecordWriter(w io.Writer) *recordWriter {
	return &recordWriter{w: bufio.NewWriterSize(w, 1<<16)}
}

func (w *recordWriter) write(r record) {
	var room [3 * binary.MaxVarintLen64]byte
	b := binary.AppendUvarint(room[:0], r.hash-w.last)
	b = binary.AppendUvarint(b, uint64(r.first))
	w.w.Write(binary.AppendUvarint(b, uint64(r.last-r.first)))
	w.last = r.hash
}

func (t *Traces) finish() {
	if t.batches != nil {
		t.batches <- t.batch
		close(t.batches)
		t.batches = nil
	}
	<-t.done
}

// Write writes the list, some 12 bytes a trace. No Add may follow.
func (t *Traces) Write(w io.Writer) error {
	t.finish()
	if t.err != nil {
		return t.err
	}
	t.compact()
	lists := []func() (record, error){fromSlice(t.records)}
	for _, f := range t.runs {
		lists = append(lists, fromReader(f))
	}
	out := newRecordWriter(w)
	err := merged(lists, func(same []owned) {
		all := same[0].record
		for _, o := range same[1:] {
			all.first, all.last = min(all.first, o.first), max(all.last, o.last)
		}
		out.write(all)
	})
	return errors.Join(err, out.w.Flush())
}

// Close ends the goroutine and removes the temporary files.
func (t *Traces) Close() error {
	t.finish()
	var err error
	for _, f := range t.runs {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	t.runs = nil
	return err
}

func fromSlice(list []record) func() (record, error) {
	return func() (record, error) {
		if len(list) == 0 {
			return record{}, io.EOF
		}
		r := list[0]
		list = list[1:]
		return r, nil
	}
}

func fromReader(r io.Reader) func() (record, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	last, some := uint64(0), false
	return func() (record, error) {
		gap, err := binary.ReadUvarint(in)
		if err != nil {
			return record{}, err // io.EOF between records
		}
		if last+gap < last || gap == 0 && some {
			return record{}, errOrder
		}
		last, some = last+gap, true
		first, err := binary.ReadUvarint(in)
		if err != nil {
			return record{}, inRecord(err)
		}
		more, err := binary.ReadUvarint(in)
		if err != nil {
			return record{}, inRecord(err)
		}
		return record{last, int64(first), int64(first + more)}, nil
	}
}

var errOrder = errors.New("a list of traces is in no order: damaged")

// inRecord is the error of a list that ends within a record.
func inRecord(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// owned is a record and the number of the list that it is from.
type owned struct {
	record
	list int
}

type heads []owned

func (h heads) Len() int { return len(h) }
func (h heads) Less(i, j int) bool {
	if h[i].hash != h[j].hash {
		return h[i].hash < h[j].hash
	}
	return h[i].list < h[j].list
}
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)   { *h = append(*h, x.(owned)) }
func (h *heads) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// merged calls f once a trace with its records, by ascending list, which is reused.
func merged(lists []func() (record, error), f func(same []owned)) error {
	var h heads
	for i, next := range lists {
		switch r, err := next(); {
		case err == nil:
			h = append(h, owned{r, i})
		case err != io.EOF:
			return err
		}
	}
	heap.Init(&h)
	var same []owned
	for len(h) > 0 {
		top := h[0]
		if len(same) > 0 && same[0].hash != top.hash {
			f(same)
			same = same[:0]
		}
		same = append(same, top)
		switch r, err := lists[top.list](); {
		case err == nil:
			h[0] = owned{r, top.list}
			heap.Fix(&h, 0)
		case err == io.EOF:
			heap.Pop(&h)
		default:
			return err
		}
	}
	if len(same) > 0 {
		f(same)
	}
	return nil
}

// TraceCount is what the lists of all shards say together.
type TraceCount struct {
	Traces int64
	// Beyond is how many traces have a span in a shard and an earlier one before the
	// shard began to read: what that one explains, the shard did not know.
	Beyond int64
}

// CountTraces merges the lists of the shards, in order.
func CountTraces(lists []io.Reader, plan []Shard) (n TraceCount, err error) {
	var next []func() (record, error)
	for _, r := range lists {
		next = append(next, fromReader(r))
	}
	err = merged(next, func(same []owned) {
		n.Traces++
		for _, o := range same[1:] {
			if same[0].first < plan[o.list].Start.Index {
				n.Beyond++
				break
			}
		}
	})
	return n, err
}
