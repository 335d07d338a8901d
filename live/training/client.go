package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Defaults of a Client.
const (
	DefaultTimeout   = 30 * time.Second
	DefaultMaxAnswer = 256 << 20
	DefaultTries     = 5
	maxErrorText     = 300
)

// Client is a GET that is repeated while that may help. The zero value works.
type Client struct {
	// HTTP does the requests. Default: one with DefaultTimeout.
	HTTP *http.Client
	// Header is added to each request: Authorization, X-Scope-OrgID.
	Header http.Header
	// Tries is how often a request is sent at most. Default DefaultTries.
	Tries uint
	// Wait is the pause before the second try; it grows by half each time, with
	// jitter. Default 500 ms. A Retry-After of the server, up to a minute, wins.
	Wait time.Duration
	// MaxAnswer bounds an answer in bytes. Default DefaultMaxAnswer.
	MaxAnswer int64
}

// StatusError is an answer that is not 2xx.
type StatusError struct {
	URL    string // without the query, which may hold a secret
	Code   int
	Answer string // its beginning
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s: %q", e.URL, e.Code, http.StatusText(e.Code), e.Answer)
}

// Get fetches a URL. Connection errors, 429 and 5xx are tried again; a 4xx is not.
// The error of a status is a *StatusError.
func (c *Client) Get(ctx context.Context, u *url.URL, accept string) ([]byte, error) {
	wait := backoff.NewExponentialBackOff()
	if wait.InitialInterval = c.Wait; c.Wait <= 0 {
		wait.InitialInterval = 500 * time.Millisecond
	}
	tries := c.Tries
	if tries == 0 {
		tries = DefaultTries
	}
	var last error
	answer, err := backoff.Retry(ctx, func() ([]byte, error) {
		b, err := c.once(ctx, u, accept)
		if err != nil {
			last = unwrapped(err)
		}
		return b, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return answer, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, errors.Join(last, cause)
	}
	return nil, last
}

// unwrapped is what went wrong, without backoff's own wrappers.
func unwrapped(err error) error {
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		return permanent.Err
	}
	var after *afterError
	if errors.As(err, &after) {
		return after.err
	}
	return err
}

// afterError is a StatusError whose server said when to come again.
type afterError struct {
	*backoff.RetryAfterError
	err error
}

func (e *afterError) Unwrap() error { return e.RetryAfterError }

func (c *Client) once(ctx context.Context, u *url.URL, accept string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	for key, values := range c.Header {
		r.Header[http.CanonicalHeaderKey(key)] = values
	}
	r.Header.Set("Accept", accept)
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: DefaultTimeout}
	}
	resp, err := client.Do(r)
	if err != nil {
		var ue *url.Error // its text has the whole URL, and the query may be a secret
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fmt.Errorf("%s: %w", plain(u), err)
	}
	defer resp.Body.Close()
	most := c.MaxAnswer
	if most <= 0 {
		most = DefaultMaxAnswer
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: the answer broke off: %w", plain(u), err)
	}
	if int64(len(body)) > most {
		return nil, backoff.Permanent(fmt.Errorf("%s: the answer has more than %d bytes; ask for shorter windows or fewer rows", plain(u), most))
	}
	return c.status(u, resp, body)
}

func (c *Client) status(u *url.URL, resp *http.Response, body []byte) ([]byte, error) {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return body, nil
	}
	err := &StatusError{plain(u), resp.StatusCode, string(body[:min(len(body), maxErrorText)])}
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < 500 {
		return nil, backoff.Permanent(err)
	}
	if n, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && n > 0 {
		return nil, &afterError{&backoff.RetryAfterError{Duration: time.Duration(min(n, 60)) * time.Second}, err}
	}
	return nil, err
}

// plain is the URL without user, query and fragment.
func plain(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }
