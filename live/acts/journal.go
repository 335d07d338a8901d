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

const (
	// maxJournal bounds what is read of a journal; it is emptied at each snapshot.
	maxJournal = 64 << 20
	// room is what the file takes from the start, filled with line ends: some 400 acts
	// can be written into it when the disk is full.
	room = 64 << 10
)

// Journal is a Log in a file, one JSON line an act, written into room that the file
// has from the start. A disk that fails all the same does not hold an action back:
// scaling up while in trouble matters more than the rare crash right after, and Failed
// tells. Safe for concurrent use.
type Journal struct {
	mu     sync.Mutex
	f      *os.File
	end    int64 // of what is written
	failed int64
	last   error
}

var _ Log = (*Journal)(nil)

// OpenJournal opens or makes the file and returns the acts in it. A last line that
// was cut off by a crash is dropped: its action was not begun. Any other line that
// cannot be read is an error with its number.
func OpenJournal(path string) (*Journal, []Act, error) {
	acts, end, err := readJournal(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Truncate(max(end, room)); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	// On a disk that is full already there is no room, and Record tells.
	_, _ = f.WriteAt(bytes.Repeat([]byte{'\n'}, int(max(room-end, 0))), end)
	return &Journal{f: f, end: end}, acts, nil
}

// readJournal also gives where the acts end.
func readJournal(path string) (acts []Act, end int64, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err == nil && info.Size() > maxJournal {
		err = fmt.Errorf("%s has %d bytes, want at most %d; move it away to start without it", path, info.Size(), maxJournal)
	}
	if err != nil {
		return nil, 0, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	text = bytes.TrimRight(text, "\n")
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxJournal+1)
	for n := 1; lines.Scan(); n++ {
		var a Act
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			if torn := len(lines.Bytes()); bytes.HasSuffix(text, lines.Bytes()) && !lines.Scan() {
				return acts, int64(len(text) - torn), nil
			}
			return nil, 0, fmt.Errorf("%s:%d: not an action: %w; move the file away to start without it", path, n, err)
		}
		acts = append(acts, a)
	}
	return acts, int64(len(text)), lines.Err()
}

// Record writes a behind the others and syncs the file. It never errs; see Journal.
func (j *Journal) Record(_ context.Context, a Act) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	// The newline in front ends the last line, of which the end may have been cut off.
	b = append(append([]byte{'\n'}, b...), '\n')
	n, err := j.f.WriteAt(b, j.end)
	if n == len(b) { // else the next one is written over it
		j.end += int64(n)
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
	used := j.end
	if j.end = 0; used > room {
		if err := j.f.Truncate(room); err != nil {
			return err
		}
	}
	_, err := j.f.WriteAt(bytes.Repeat([]byte{'\n'}, int(min(used, room))), 0)
	return err
}

// Failed is how many acts could not be written, and the last reason.
func (j *Journal) Failed() (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed, j.last
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }
