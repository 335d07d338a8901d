package training

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Trainer trains at start and on a schedule.
type Trainer struct {
	Job Job
	// Every is the time between trainings; 0: only at start.
	Every time.Duration
	// Timeout bounds one training. 0: none.
	Timeout time.Duration
	// Retry is the pause after the first failure; it grows by half up to MaxRetry.
	// Defaults 1 s and 1 min.
	Retry, MaxRetry time.Duration
	// Skip leaves out the training at start: there is a model from a snapshot.
	Skip bool
	// Log is told of each training. Default slog.Default().
	Log *slog.Logger

	mu       sync.Mutex
	failures int64
	last     error
}

// Run trains until ctx ends, and hands each model to use. It returns early only
// when there is no schedule and the training at start is done.
func (t *Trainer) Run(ctx context.Context, use func(*Trained)) {
	if t.Log == nil {
		t.Log = slog.Default()
	}
	if !t.Skip && !t.until(ctx, use) {
		return
	}
	if t.Every <= 0 {
		return
	}
	tick := time.NewTicker(t.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !t.until(ctx, use) {
				return
			}
		}
	}
}

// until trains until that succeeds; false: ctx ended first.
func (t *Trainer) until(ctx context.Context, use func(*Trained)) bool {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = orElse(t.Retry, time.Second), orElse(t.MaxRetry, time.Minute)
	for {
		trained, err := t.once(ctx)
		if ctx.Err() != nil {
			return false
		}
		t.note(err)
		if err == nil {
			t.Log.Info("trained", "source", trained.Source, "spans", trained.Spans, "calls", trained.Calls,
				"from", trained.First, "to", trained.Last, "digest", trained.Digest, "bad", trained.Bad, "notes", trained.Notes)
			use(trained)
			return true
		}
		next := wait.NextBackOff()
		t.Log.Warn("training failed; the model stays as it is", "error", err, "retry_in", next.Round(time.Millisecond))
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

func (t *Trainer) once(ctx context.Context) (*Trained, error) {
	if t.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.Timeout)
		defer cancel()
	}
	return Train(ctx, t.Job, time.Now())
}

func (t *Trainer) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last = err; err != nil {
		t.failures++
	}
}

// Failures is how many trainings failed since the start, and the error of the last
// training, nil when it succeeded.
func (t *Trainer) Failures() (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failures, t.last
}

func orElse(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}
