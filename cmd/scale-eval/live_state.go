package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/scale-eval/scale-eval/live/acts"
	"github.com/scale-eval/scale-eval/objects"
)

// The files of --state.
const (
	stateFile = "live.json"  // the last snapshot
	actsFile  = "acts.jsonl" // what was done since
)

// stateFolder is where the state of a live process lies. That of a bucket is copied to
// a folder of this machine at the start, is worked on there, and each file goes back
// whole when it has changed: a snapshot behind its commit, an action before it is carried
// out. So who starts anew elsewhere knows what one that starts anew here would.
type stateFolder struct {
	dir    string // of this machine
	remote string // URL of the bucket's folder; "": dir is all there is
	bound  time.Duration

	mu     sync.Mutex
	failed int64 // actions that the bucket did not get when they were due
	last   error
	again  time.Time // no action is tried before
}

// openStateFolder fetches what there is. bound is how long a file may take to get back; an
// action waits for that.
func openStateFolder(ctx context.Context, at string, bound time.Duration) (s *stateFolder, err error) {
	s = &stateFolder{bound: bound}
	if !objects.Remote(at) {
		if s.dir, err = objects.Path(at); err != nil {
			return nil, usageError{err}
		}
		return s, os.MkdirAll(s.dir, 0o750)
	}
	from, err := objects.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if s.dir, err = os.MkdirTemp("", "scale-eval-state-"); err != nil {
		return nil, err
	}
	for _, name := range []string{stateFile, actsFile} {
		if err := s.fetch(from, name); err != nil {
			return nil, errors.Join(err, os.RemoveAll(s.dir))
		}
	}
	s.remote = at
	return s, nil
}

// fetch copies a file of the bucket, if it is there.
func (s *stateFolder) fetch(from objects.Folder, name string) error {
	r, err := from.Stream(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	return writeFile(s.path(name), func(w io.Writer) error {
		if _, err := io.Copy(w, r); err != nil {
			return fmt.Errorf("%s: %w", from.URL(name), err)
		}
		return nil
	})
}

func (s *stateFolder) path(name string) string { return filepath.Join(s.dir, name) }

// publish puts a file into the bucket, if there is one, also when ctx has ended: the last
// snapshot is taken then.
func (s *stateFolder) publish(ctx context.Context, name string) error {
	if s.remote == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.bound)
	defer cancel()
	f, err := os.Open(s.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return writeAt(ctx, objects.Join(s.remote, name), func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// close removes the copy of a bucket's folder.
func (s *stateFolder) close() {
	if s.remote != "" {
		os.RemoveAll(s.dir)
	}
}

// failures is how many actions the bucket does not have, and the last reason.
func (s *stateFolder) failures() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed, s.last
}

// actsLog writes actions down here and in the bucket. Like the journal it holds none back.
type actsLog struct {
	journal *acts.Journal
	state   *stateFolder
}

func (l actsLog) Record(ctx context.Context, a acts.Act) error {
	if err := l.journal.Record(ctx, a); err != nil {
		return err
	}
	l.state.publishActs(ctx)
	return nil
}

// publishActs counts what fails. A bucket that does not answer must not take the time of
// the tick's other actions, too: it is left alone for a while. The file has all actions
// since the last snapshot, so that none stays missing.
func (s *stateFolder) publishActs(ctx context.Context) {
	if s.remote == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.again) {
		s.failed++
		return
	}
	if err := s.publish(ctx, actsFile); err != nil {
		s.failed++
		s.last, s.again = err, time.Now().Add(10*s.bound)
	}
}
