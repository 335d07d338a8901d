package training

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Query is which spans to train on.
type Query struct {
	From, To time.Time // spans whose trace started at From or after, before To
	Text     string    // in the source's own language; "": all
	Limit    int       // at least the latest Limit spans; at least 1
}

// Source fetches spans to train on. It returns more than Query.Limit spans where it
// cannot cut without making the result depend on chance, and fewer when there are
// no more. A Span's Call is not set.
type Source interface {
	Fetch(ctx context.Context, q Query) (*Batch, error)
	// String names the source for logs, without credentials.
	String() string
}

// Batch is what a Source found.
type Batch struct {
	Spans []trace.Span
	// Bad are spans that could not be read.
	Bad trace.Bad
	// Notes are what a reader of the result should know, e.g. traces that the
	// source had lost by the time they were asked for.
	Notes []string
}

// order sorts spans by start, trace id and span id, drops copies, and keeps the
// latest limit of them.
func order(spans []trace.Span, limit int) []trace.Span {
	slices.SortFunc(spans, compare)
	spans = slices.CompactFunc(spans, func(a, b trace.Span) bool { return a.ID == b.ID && a.TraceID == b.TraceID && a.ID != 0 })
	if len(spans) > limit {
		spans = spans[len(spans)-limit:]
	}
	return spans
}

func compare(a, b trace.Span) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.TraceID.Hi, b.TraceID.Hi), cmp.Compare(a.TraceID.Lo, b.TraceID.Lo),
		cmp.Compare(a.ID, b.ID), strings.Compare(a.Service, b.Service), strings.Compare(a.Operation, b.Operation), cmp.Compare(a.Duration, b.Duration))
}

// digest is a SHA-256 over the ids, in order.
func digest(spans []trace.Span) string {
	h := sha256.New()
	for i := range spans {
		t, s := spans[i].TraceID.Bytes(), spans[i].ID.Bytes()
		h.Write(t[:])
		h.Write(s[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
