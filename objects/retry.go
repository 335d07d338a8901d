package objects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gocloud.dev/gcerrors"
)

// pace is how long a store is waited for.
type pace struct {
	attempt  time.Duration // one request
	patience time.Duration // a request and its repetitions
	first    time.Duration // pause before the first repetition
}

// defaultPace outlives the restart of a server.
var defaultPace = pace{attempt: time.Minute, patience: 2 * time.Minute, first: 200 * time.Millisecond}

// try does f until it succeeds, fails for good, or took too long. name is the file that
// it is about.
func (b *bucket) try(name string, f func(ctx context.Context) error) error {
	tries := 0
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = b.pace.first
	pause.MaxInterval = 10 * time.Second
	_, err := backoff.Retry(b.ctx, func() (struct{}, error) {
		tries++
		ctx, cancel := context.WithTimeout(b.ctx, b.pace.attempt)
		defer cancel()
		err := f(ctx)
		if err != nil && lasting(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(b.pace.patience))
	if err == nil {
		return nil
	}
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		err = permanent.Unwrap()
	}
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	return b.explain(name, tries, err)
}

// errChanged is a file that is another than the one that was opened.
var errChanged = errors.New("it changed while it was read: read it again when nobody writes to it")

// lasting says whether the same request would fail again.
func lasting(err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound, gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.FailedPrecondition, gcerrors.Unimplemented, gcerrors.AlreadyExists:
		return true
	}
	if errors.Is(err, errChanged) || refused(err) {
		return true
	}
	status := statusOf(err)
	// S3 answers 400 to a body that came too slowly.
	return status >= 400 && status < 500 && status != 408 && status != 429 && !strings.Contains(err.Error(), "RequestTimeout")
}

// statusOf is the HTTP status behind an error, 0 if none is known.
func statusOf(err error) int {
	var response interface{ HTTPStatusCode() int } // of the AWS SDK
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// refused says whether it is about who asks.
func refused(err error) bool {
	status, text := statusOf(err), strings.ToLower(err.Error())
	return gcerrors.Code(err) == gcerrors.PermissionDenied || status == 401 || status == 403 ||
		// No request was made, because the cloud's SDK found no credentials.
		strings.Contains(text, "get credentials") ||
		// Some servers answer 404 to a key that they do not know.
		strings.Contains(text, "access key id")
}

// noBucket says whether it is the bucket that is missing, as the clouds say it.
func noBucket(err error) bool {
	for _, words := range []string{"NoSuchBucket", "ContainerNotFound", "bucket doesn't exist", "bucket does not exist"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// explain says which file it was, and what to do.
func (b *bucket) explain(name string, tries int, err error) error {
	at := b.URL(name)
	switch {
	case noBucket(err), name == "" && gcerrors.Code(err) == gcerrors.NotFound:
		return fmt.Errorf("%s: there is no bucket %s: make it, or correct its name, or the region and endpoint behind the question mark: %w", at, b.root, err)
	case gcerrors.Code(err) == gcerrors.NotFound:
		return fmt.Errorf("%s: %w", at, fs.ErrNotExist)
	case refused(err):
		return fmt.Errorf("%s: access was refused: give the credentials that the tools of this cloud use (environment, profile or service account), with the right to list, read and write: %w", at, err)
	case lasting(err):
		return fmt.Errorf("%s: %w", at, err)
	}
	return fmt.Errorf("%s: gave up after %d tries in %v: the store does not answer as it should; when it does, run the same command again, what is done stays done: %w", at, tries, b.pace.patience, err)
}
