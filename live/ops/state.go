package ops

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/training"
)

const (
	stateVersion = 4
	maxState     = 1 << 30
	sumSize      = 8
)

// State is what a process hands to the next one.
type State struct {
	At      time.Time           `json:"at"`
	Sampler string              `json:"sampler"` // its name; a model fits no other
	Model   []byte              `json:"-"`
	Trained *training.Trained   `json:"trained,omitempty"` // nil: the model began cold
	Memory  []live.TargetMemory `json:"memory,omitempty"`
	// Pipeline is its snapshot, when it was read: windows, open traces, statistics. Memory
	// is in it, and is kept beside it for when it does not fit any more.
	Pipeline []byte `json:"-"`
}

// head is the first line of the file. After it come the bytes of the model, those of
// the pipeline as they are, and the XXH64 of all that. The pipeline is most of the
// process's memory, so the file is written while it is walked, and nothing in front of
// it says how long it is.
type head struct {
	Version int `json:"version"`
	*State
	ModelBytes int `json:"model_bytes"`
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
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	h := head{State: &State{}}
	if err := json.Unmarshal(first, &h); err != nil {
		return nil, err
	}
	if h.Version != stateVersion {
		return nil, fmt.Errorf("version %d, this program reads version %d", h.Version, stateVersion)
	}
	end := len(rest) - sumSize
	if h.ModelBytes < 0 || h.ModelBytes > end {
		return nil, fmt.Errorf("%d bytes of model in %d: cut short?", h.ModelBytes, len(rest))
	}
	if xxhash.Sum64(text[:len(text)-sumSize]) != binary.BigEndian.Uint64(rest[end:]) {
		return nil, errors.New("its checksum does not match")
	}
	if h.ModelBytes > 0 {
		h.Model = rest[:h.ModelBytes:h.ModelBytes]
	}
	if h.ModelBytes < end {
		h.Pipeline = rest[h.ModelBytes:end:end]
	}
	return h.State, nil
}
