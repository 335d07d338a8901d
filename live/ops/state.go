package ops

import (
	"bytes"
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
	stateVersion = 2
	maxState     = 1 << 30
)

// State is what a process hands to the next one.
type State struct {
	At      time.Time           `json:"at"`
	Sampler string              `json:"sampler"` // its name; a model fits no other
	Model   []byte              `json:"-"`
	Trained *training.Trained   `json:"trained,omitempty"` // nil: the model began cold
	Memory  []live.TargetMemory `json:"memory,omitempty"`
	// Pipeline is its snapshot: windows, open traces, statistics. Memory is in it, and
	// is kept beside it for when it does not fit any more.
	Pipeline []byte `json:"-"`
}

// seal is the first line of the file; its sum is that of what follows: a line with the
// rest of this, and then the bytes of the model and of the pipeline as they are. As
// JSON they would be copied some five times, and they are most of the process's memory.
type seal struct {
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
}

// body is the second line.
type body struct {
	*State
	ModelBytes    int `json:"model_bytes"`
	PipelineBytes int `json:"pipeline_bytes"`
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
	text, err := json.Marshal(body{st, len(st.Model), len(st.Pipeline)})
	if err != nil {
		return err
	}
	parts := [][]byte{append(text, '\n'), st.Model, st.Pipeline}
	sum := sha256.New()
	for _, p := range parts {
		sum.Write(p)
	}
	first, err := json.Marshal(seal{stateVersion, hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		return err
	}
	parts = append([][]byte{append(first, '\n')}, parts...)
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
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			return err
		}
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
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	var sealed seal
	if err := json.Unmarshal(first, &sealed); err != nil {
		return nil, err
	}
	if sealed.Version != stateVersion {
		return nil, fmt.Errorf("version %d, this program reads version %d", sealed.Version, stateVersion)
	}
	if sum := sha256.Sum256(rest); hex.EncodeToString(sum[:]) != sealed.SHA256 {
		return nil, errors.New("its checksum does not match")
	}
	second, rest, _ := bytes.Cut(rest, []byte("\n"))
	b := body{State: &State{}}
	if err := json.Unmarshal(second, &b); err != nil {
		return nil, err
	}
	if b.ModelBytes < 0 || b.PipelineBytes < 0 || b.ModelBytes > len(rest) || b.PipelineBytes != len(rest)-b.ModelBytes {
		return nil, fmt.Errorf("%d bytes of model and %d of pipeline in %d", b.ModelBytes, b.PipelineBytes, len(rest))
	}
	if b.ModelBytes > 0 {
		b.Model = rest[:b.ModelBytes:b.ModelBytes]
	}
	if b.PipelineBytes > 0 {
		b.Pipeline = rest[b.ModelBytes:]
	}
	return b.State, nil
}
