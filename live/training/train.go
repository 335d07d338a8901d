package training

import (
	"context"
	"fmt"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Model is a sampler that can be trained apart and carried to another table of
// calls. hst.Sampler and hst.Adaptive are.
type Model interface {
	trace.Sampler
	Snapshot() ([]byte, error)
	Ready() bool
}

// Job is what Train does.
type Job struct {
	Source Source
	// New makes an untrained model over a table of calls.
	New func(*trace.Calls) (Model, error)
	// Sanitiser and MaxCalls are those of the pipeline: a model that knows calls by
	// other names knows none.
	Sanitiser *trace.Sanitiser
	MaxCalls  int
	// Size is how many spans are learned, the latest before the training begins
	// (train_size of the paper). At least 1.
	Size int
	// Range is how far back they may lie; above 0.
	Range time.Duration
	// Delay is how far behind now the newest may lie: query back ends hide what is
	// newer.
	Delay time.Duration
	// Query is in the source's own language; "": all spans.
	Query string
}

// Trained is a model and where it came from.
type Trained struct {
	Model  []byte    `json:"-"` // of Model.Snapshot
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Query  string    `json:"query,omitempty"`
	Spans  int       `json:"spans"`
	Calls  int       `json:"calls"`
	First  time.Time `json:"first"` // start of the first and last span
	Last   time.Time `json:"last"`
	Digest string    `json:"digest"` // SHA-256 over trace and span ids, in order
	Bad    int64     `json:"bad,omitempty"`
	Notes  []string  `json:"notes,omitempty"`
}

// Train fetches spans up to now and teaches them to a fresh model.
func Train(ctx context.Context, job Job, now time.Time) (*Trained, error) {
	to := now.Add(-job.Delay)
	batch, err := job.Source.Fetch(ctx, Query{From: to.Add(-job.Range), To: to, Text: job.Query, Limit: job.Size})
	if err != nil {
		return nil, fmt.Errorf("training from %s: %w", job.Source, err)
	}
	spans := order(batch.Spans, job.Size)
	calls := trace.NewCalls(job.MaxCalls, job.Sanitiser)
	model, err := job.New(calls)
	if err != nil {
		return nil, err
	}
	for i := range spans {
		s := &spans[i]
		s.Call = calls.Of(s.Service, s.Operation)
		model.Learn(s)
	}
	if !model.Ready() {
		return nil, fmt.Errorf("training from %s: %d spans within %v before %s are too few for the model's warm-up; widen the range or the query, or start cold",
			job.Source, len(spans), job.Range, to.UTC().Format(time.RFC3339))
	}
	t := &Trained{
		At: now, Source: job.Source.String(), Query: job.Query, Spans: len(spans), Calls: calls.Len() - 1,
		First: time.Unix(0, spans[0].Start).UTC(), Last: time.Unix(0, spans[len(spans)-1].Start).UTC(),
		Digest: digest(spans), Bad: batch.Bad.Total, Notes: batch.Notes,
	}
	t.Model, err = model.Snapshot()
	return t, err
}
