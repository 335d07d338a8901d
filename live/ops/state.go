package ops

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/training"
)

const (
	stateVersion = 1
	maxState     = 1 << 30
)

// State is what a process hands to the next one.
type State struct {
	At      time.Time           `json:"at"`
	Sampler string              `json:"sampler"` // its name; a model fits no other
	Model   []byte              `json:"model,omitempty"`
	Trained *training.Trained   `json:"trained,omitempty"` // nil: the model began cold
	Memory  []live.TargetMemory `json:"memory,omitempty"`
	// Pipeline is its snapshot: windows, open traces, statistics. Memory is in it, and
	// is kept beside it for when it does not fit any more.
	Pipeline []byte `json:"pipeline,omitempty"`
}

// file is the form on disk: the state's bytes are what the sum is of.
type file struct {
	Version int             `json:"version"`
	SHA256  string          `json:"sha256"`
	State   json.RawMessage `json:"state"`
}

// Store keeps a State in one file of a folder.
type Store struct {
	// Path of the file; its folder exists.
	Path string
	// Create makes a new temporary file beside it. nil: the operating system does.
	Create func(dir, pattern string) (File, error)
}

// File is what a Store writes to.
type File interface {
	io.WriteCloser
	Sync() error
	Name() string
}

// Save replaces the file. On an error the old one is as it was.
func (s *Store) Save(st *State) (err error) {
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	text, err := json.Marshal(file{stateVersion, hex.EncodeToString(sum[:]), body})
	if err != nil {
		return err
	}
	create := s.Create
	if create == nil {
		create = func(dir, pattern string) (File, error) { return os.CreateTemp(dir, pattern) }
	}
	dir := filepath.Dir(s.Path)
	f, err := create(dir, "."+filepath.Base(s.Path)+".*")
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("snapshot: %w; the last one is kept", err)
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.Path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Load reads the file; nil: there is none.
func (s *Store) Load() (*State, error) {
	info, err := os.Stat(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > maxState {
		err = fmt.Errorf("%s has %d bytes, want at most %d", s.Path, info.Size(), maxState)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(s.Path)
	if err != nil {
		return nil, err
	}
	st, err := parseState(text)
	if err != nil {
		return nil, fmt.Errorf("%s: not a snapshot of live mode: %w; move it away to start without it", s.Path, err)
	}
	return st, nil
}

func parseState(text []byte) (*State, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	if f.Version != stateVersion {
		return nil, fmt.Errorf("version %d, this program reads version %d", f.Version, stateVersion)
	}
	if sum := sha256.Sum256(f.State); hex.EncodeToString(sum[:]) != f.SHA256 {
		return nil, errors.New("its checksum does not match")
	}
	st := &State{}
	return st, json.Unmarshal(f.State, st)
}
