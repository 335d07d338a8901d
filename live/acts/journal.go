package acts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// maxJournal bounds what is read of a journal; it is emptied at each snapshot.
const maxJournal = 64 << 20

// Journal is a Log in a file, one JSON line an act. A disk that is full does not
// hold an action back: scaling up while in trouble matters more than the rare crash
// right after, and Failed tells. Safe for concurrent use.
type Journal struct {
	mu     sync.Mutex
	f      *os.File
	failed int64
	last   error
}

var _ Log = (*Journal)(nil)

// OpenJournal opens or makes the file and returns the acts in it. A last line that
// was cut off by a crash is dropped: its action was not begun. Any other line that
// cannot be read is an error with its number.
func OpenJournal(path string) (*Journal, []Act, error) {
	acts, err := readJournal(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return &Journal{f: f}, acts, nil
}

func readJournal(path string) (acts []Act, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > maxJournal {
		err = fmt.Errorf("%s has %d bytes, want at most %d; move it away to start without it", path, info.Size(), maxJournal)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxJournal+1)
	for n := 1; lines.Scan(); n++ {
		var a Act
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			if torn := len(text) > 0 && text[len(text)-1] != '\n' && bytes.HasSuffix(text, lines.Bytes()); torn {
				break
			}
			return nil, fmt.Errorf("%s:%d: not an action: %w; move the file away to start without it", path, n, err)
		}
		acts = append(acts, a)
	}
	return acts, lines.Err()
}

// Record appends a and syncs the file. It never errs; see Journal.
func (j *Journal) Record(_ context.Context, a Act) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	// The newline in front ends a line that a crash or a full disk cut off.
	if _, err = j.f.Write(append(append([]byte{'\n'}, b...), '\n')); err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		j.failed++
		j.last = err
	}
	return nil
}

// Reset empties the journal: a snapshot has all of it.
func (j *Journal) Reset() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.f.Truncate(0)
}

// Failed is how many acts could not be written, and the last reason.
func (j *Journal) Failed() (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed, j.last
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }
