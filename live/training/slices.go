package training

import (
	"context"
	"fmt"
	"time"
)

// Window is a stretch of time, From included, To excluded, in whole seconds: the
// resolution of the query APIs.
type Window struct{ From, To time.Time }

// Slices walks the time of q from its end back, in windows of at most width, until
// the windows seen hold Limit spans or q.From is reached. fetch answers one window
// and says whether the answer was cut off at the source's own limit; then the window
// is halved and the answer dropped, because nobody says which rows were left out. A
// window of one second cannot be halved: what came is kept, and a note says so.
//
// Whole windows are kept, so that the result does not depend on the order of rows.
func Slices(ctx context.Context, q Query, width time.Duration, fetch func(context.Context, Window) (b *Batch, cut bool, err error)) (*Batch, error) {
	all, truncated := &Batch{}, 0
	from, to := q.From.Truncate(time.Second), q.To.Truncate(time.Second)
	most := max(width.Truncate(time.Second), time.Second)
	width = most
	for to.After(from) && len(all.Spans) < q.Limit {
		w := Window{to.Add(-width), to}
		if w.From.Before(from) {
			w.From = from
		}
		b, cut, err := fetch(ctx, w)
		if err != nil {
			return nil, err
		}
		if span := w.To.Sub(w.From); cut && span > time.Second {
			width = max((span / 2).Truncate(time.Second), time.Second)
			continue
		}
		if cut {
			truncated++
		} else {
			width = min(2*width, most) // quiet times are walked in long steps again
		}
		all.add(b)
		to = w.From
	}
	if truncated > 0 {
		all.Notes = append(all.Notes, fmt.Sprintf("%d windows of one second had more traces than one answer may hold; a higher limit reads them whole", truncated))
	}
	return all, nil
}

func (b *Batch) add(c *Batch) {
	b.Spans = append(b.Spans, c.Spans...)
	b.Notes = append(b.Notes, c.Notes...)
	for _, e := range c.Bad.First {
		b.Bad.Add(e)
	}
	b.Bad.Total += c.Bad.Total - int64(len(c.Bad.First))
}
