package trace

import (
	"fmt"
	"sort"
)

// RowError is one malformed record: which file, which row (1-based, the header
// is row 1 where there is one), which field, and what is wrong with it. Loaders
// return it instead of a span and go on with the next row.
type RowError struct {
	File  string
	Row   int64
	Field string // "" when the whole row is meant
	Msg   string // what was found and what was wanted
}

func (e *RowError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Row, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Row, e.Field, e.Msg)
}

// MaxKeptRowErrors is how many malformed records a Bad keeps with their position;
// the rest are counted.
const MaxKeptRowErrors = 20

// Bad tallies malformed records. The zero value is ready. Memory is bounded by
// MaxKeptRowErrors and the number of fields of the format.
type Bad struct {
	Total   int64
	First   []*RowError
	byField map[string]int64
}

// Add counts e and keeps it if it is among the first.
func (b *Bad) Add(e *RowError) {
	b.Total++
	if len(b.First) < MaxKeptRowErrors {
		b.First = append(b.First, e)
	}
	if b.byField == nil {
		b.byField = map[string]int64{}
	}
	b.byField[e.Field]++
}

// FieldCount is the number of malformed records that named one field.
type FieldCount struct {
	Field string
	Count int64
}

// ByField lists the counts, most frequent first, then by name.
func (b *Bad) ByField() []FieldCount {
	out := make([]FieldCount, 0, len(b.byField))
	for f, n := range b.byField {
		out = append(out, FieldCount{f, n})
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Count != out[j].Count {
			return out[i].Count > out[j].Count
		}
		return out[i].Field < out[j].Field
	})
	return out
}

// Merge adds what o counted. It keeps no part of o and changes none of what b shared
// with a copy of itself.
func (b *Bad) Merge(o *Bad) {
	b.Total += o.Total
	first := append(append([]*RowError{}, b.First...), o.First...)
	b.First = first[:min(len(first), MaxKeptRowErrors)]
	sum := make(map[string]int64, len(b.byField)+len(o.byField))
	for f, n := range b.byField {
		sum[f] += n
	}
	for f, n := range o.byField {
		sum[f] += n
	}
	b.byField = sum
}
