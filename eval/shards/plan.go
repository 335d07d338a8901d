package shards

import (
	"fmt"
	"sort"
)

// Mark is a place in a dataset: before row Row, Index spans take part in the
// evaluation. Rows are counted from 0 over all files.
type Mark struct {
	Row   int64 `json:"row"`
	Index int64 `json:"index"`
}

// Shard is a run of test spans, [From, To) among those that take part, and the rows to
// read for it: from Start on, which comes early enough to warm up, up to End.
type Shard struct {
	Start Mark  `json:"start"`
	End   int64 `json:"end_row"`
	From  int64 `json:"from"`
	To    int64 `json:"to"`
}

// Spans is how many test spans the shard has.
func (s Shard) Spans() int64 { return s.To - s.From }

// Plan is what all shards of a run agree on.
type Plan struct {
	Version int                 `json:"version"`
	Key     string              `json:"key"`     // of options, data and program: another run has another
	Options map[string][]string `json:"options"` // flags of run
	Data    []string            `json:"data"`    // folders in which named datasets are looked for
	Calls   [][2]string         `json:"calls"`   // service and operation, in the order of their numbers
	Census  Census              `json:"census"`
	Train   int64               `json:"train_spans"`
	Test    int64               `json:"test_spans"`
	Shards  []Shard             `json:"shards"`
}

// Census is what the whole dataset showed.
type Census struct {
	Read      int64 `json:"read"`
	Kept      int64 `json:"kept"`
	Positives int64 `json:"positives"`
	Overflow  int64 `json:"overflow"`
}

// PlanVersion is the version of Plan's JSON.
const PlanVersion = 1

// Marks is how many marks a census should leave: shards are cut at marks, so they bound
// the number of useful shards.
const Marks = 1 << 12

// Cut divides the test part, spans [train, train+test), into n shards of about the same number of rows. marks
// ascend and the last one is the end of the data. Each shard but the first reads at
// least overlap rows more than its own, from the beginning of the test part at most.
// With more shards than marks some are empty.
func Cut(marks []Mark, train, test int64, n int, overlap int64) ([]Shard, error) {
	if n < 1 || overlap < 0 || len(marks) == 0 || marks[len(marks)-1].Index < train+test {
		return nil, fmt.Errorf("shards: %d shards of %d+%d spans at %d marks with %d rows overlap", n, train, test, len(marks), overlap)
	}
	// The last mark that has no test span before it.
	first := sort.Search(len(marks), func(i int) bool { return marks[i].Index > train }) - 1
	first = max(first, 0)
	last := len(marks) - 1
	at := func(i int) int { return first + (last-first)*i/n }
	out := make([]Shard, n)
	for i := range out {
		from, to := marks[at(i)], marks[at(i+1)]
		start := sort.Search(len(marks), func(j int) bool { return marks[j].Row > from.Row-overlap }) - 1
		out[i] = Shard{
			Start: marks[max(start, first)], End: to.Row,
			From: max(from.Index, train), To: min(max(to.Index, train), train+test),
		}
	}
	return out, nil
}
