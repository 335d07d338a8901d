// Package webhook carries out scale actions by HTTP: for systems that are not
// Kubernetes, and for people who want to be told.
//
// Scale posts the action as JSON, the fields of live.Action and its explanation, to
// one URL:
//
//  1. the header Idempotency-Key names the decision, so that a receiver can drop a
//     repeated one; dry runs carry X-Scale-Eval-Dry-Run: true and must change nothing;
//  2. 2xx is done; 409 is live.ErrOwned; 404 is live.ErrNoTarget; 429 and 5xx are
//     repeated as Options says, honouring Retry-After; anything else is an error that
//     quotes the answer;
//  3. Current is a GET of the same URL with ?kind=&namespace=&name=, answered by
//     {"replicas": 3, "ready": 3}, or, without Options.Query, taken from another
//     orchestrator.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/scale-eval/scale-eval/live"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// Options of a webhook.
type Options struct {
	// URL gets the POSTs; required, http or https.
	URL string
	// Client does the requests; its Timeout bounds each. Default one with 10 s.
	Client *http.Client
	// Header is added to each request, e.g. Authorization.
	Header http.Header
	// Retries is how often a request that may succeed later is repeated. Default 2.
	// Below 0: never.
	Retries int
	// Wait is the pause before the first repetition; it doubles. Default 500 ms.
	Wait time.Duration
	// State answers Current. nil: a GET of URL does.
	State live.Orchestrator
}

// Orchestrator is a live.Orchestrator behind a URL. It is safe for concurrent use
// when State is.
type Orchestrator struct{ o Options }

var _ live.Orchestrator = (*Orchestrator)(nil)

// New makes an Orchestrator. It errs when the URL is not http or https.
func New(o Options) (*Orchestrator, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("webhook: url %q: want http://… or https://…", o.URL)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Retries == 0 {
		o.Retries = 2
	}
	if o.Wait <= 0 {
		o.Wait = 500 * time.Millisecond
	}
	return &Orchestrator{o}, nil
}

// message is the body of a POST.
type message struct {
	live.Action
	Explanation string `json:"explanation"`
}

// Scale implements live.Orchestrator.
func (w *Orchestrator) Scale(ctx context.Context, a live.Action) error {
	body, err := json.Marshal(message{a, a.String() + ": " + a.Why.String()})
	if err != nil {
		return err
	}
	_, err = w.do(ctx, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.URL, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("%s@%d", a.Target, a.At))
		if a.DryRun {
			r.Header.Set("X-Scale-Eval-Dry-Run", "true")
		}
		return r, nil
	})
	return err
}

// Current implements live.Orchestrator.
func (w *Orchestrator) Current(ctx context.Context, t live.Target) (live.State, error) {
	if w.o.State != nil {
		return w.o.State.Current(ctx, t)
	}
	answer, err := w.do(ctx, func() (*http.Request, error) {
		u, err := url.Parse(w.o.URL)
		if err != nil {
			return nil, err
		}
		q := u.Query()
		q.Set("kind", t.Kind)
		q.Set("namespace", t.Namespace)
		q.Set("name", t.Name)
		u.RawQuery = q.Encode()
		return http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	})
	if err != nil {
		return live.State{}, err
	}
	var s struct {
		Replicas, Ready *int
		Rolling         bool
	}
	if err := json.Unmarshal(answer, &s); err != nil || s.Replicas == nil || *s.Replicas < 0 {
		return live.State{}, fmt.Errorf("webhook: %s: want {\"replicas\": N, \"ready\": N}, found %q", t, clip(answer))
	}
	out := live.State{Replicas: *s.Replicas, Ready: *s.Replicas, Rolling: s.Rolling}
	if s.Ready != nil {
		out.Ready = *s.Ready
	}
	return out, nil
}

// do sends a request and repeats it while that may help.
func (w *Orchestrator) do(ctx context.Context, request func() (*http.Request, error)) ([]byte, error) {
	wait := w.o.Wait
	for try := 0; ; try++ {
		r, err := request()
		if err != nil {
			return nil, err
		}
		for key, values := range w.o.Header {
			r.Header[key] = values
		}
		answer, after, err := w.once(r)
		if err == nil || after < 0 || try >= w.o.Retries {
			return answer, err
		}
		timer := time.NewTimer(max(wait, after))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(err, ctx.Err())
		case <-timer.C:
		}
		wait *= 2
	}
}

// once sends a request. after says how long to wait before the next try; below
// zero: another try is of no use.
func (w *Orchestrator) once(r *http.Request) (answer []byte, after time.Duration, err error) {
	resp, err := w.o.Client.Do(r)
	if err != nil {
		var u *url.Error // its text has the whole URL, and the query may be a secret
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, 0, fmt.Errorf("webhook: %s: %w", r.URL.Host, err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("webhook: %s: %w", r.URL.Host, err)
	}
	status := fmt.Errorf("webhook: %s answered %s: %q", r.URL.Host, resp.Status, clip(answer))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return answer, -1, nil
	case code == http.StatusConflict:
		return nil, -1, fmt.Errorf("%w: %w", live.ErrOwned, status)
	case code == http.StatusNotFound:
		return nil, -1, fmt.Errorf("%w: %w", live.ErrNoTarget, status)
	case code == http.StatusTooManyRequests || code >= 500:
		return nil, retryAfter(resp), status
	}
	return nil, -1, status
}

// retryAfter is the answer's wish in seconds, at most a minute.
func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 60)) * time.Second
}

func clip(b []byte) []byte { return b[:min(len(b), 200)] }
