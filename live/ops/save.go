package ops

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// Saving is a file that is being written, by a goroutine of its own: [Saving.Write]
// never waits for the disk, so the pipeline can be walked into it while nothing may
// change it. It lets the goroutine run, which keeps what waits for the disk small on one
// core, too; when the disk hangs that takes as much memory as there is of the pipeline.
// End it by [Saving.Commit] or [Saving.Abort].
type Saving struct {
	path string
	f    File
	done chan struct{} // closed: the goroutine has ended
	err  error         // of the file; after done

	mu     sync.Mutex
	more   sync.Cond
	chunks [][]byte // that wait, the last one not full
	free   [][]byte
	ended  bool
}

const (
	chunkSize = 64 << 10
	maxFree   = 8 // chunks that were written and are kept for more
)

// Begin makes the new file beside the old one, and writes what st says but for its
// Pipeline, which the caller writes. st is not used after it.
func (s *Store) Begin(st *State) (*Saving, error) {
	text, err := json.Marshal(head{stateVersion, st, len(st.Model)})
	if err != nil {
		return nil, err
	}
	create := s.Create
	if create == nil {
		create = func(dir, pattern string) (File, error) { return os.CreateTemp(dir, pattern) }
	}
	f, err := create(filepath.Dir(s.Path), "."+filepath.Base(s.Path)+".*")
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	v := &Saving{path: s.Path, f: f, done: make(chan struct{})}
	v.more.L = &v.mu
	go v.run()
	for _, part := range [][]byte{text, {'\n'}, st.Model} {
		_, _ = v.Write(part) // it never errs
	}
	return v, nil
}

// Write takes b, which is the caller's again after it. It never errs: Commit does.
func (v *Saving) Write(b []byte) (int, error) {
	if v.put(b) > maxFree/2 {
		runtime.Gosched()
	}
	return len(b), nil
}

// put takes b, and says how many chunks wait.
func (v *Saving) put(b []byte) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(b) > 0 {
		last := len(v.chunks) - 1
		if last < 0 || len(v.chunks[last]) == chunkSize {
			v.chunks = append(v.chunks, v.chunk())
			last++
		}
		c := v.chunks[last]
		k := min(len(b), chunkSize-len(c))
		v.chunks[last], b = append(c, b[:k]...), b[k:]
	}
	v.more.Signal()
	return len(v.chunks)
}

func (v *Saving) chunk() []byte {
	if n := len(v.free); n > 0 {
		c := v.free[n-1]
		v.free = v.free[:n-1]
		return c
	}
	return make([]byte, 0, chunkSize)
}

// run writes what comes, then the sum of it. After an error it drops what comes.
func (v *Saving) run() {
	defer close(v.done)
	sum := xxhash.New()
	var err error
	for {
		c := v.take()
		if c == nil {
			break
		}
		sum.Write(c)
		if err == nil {
			_, err = v.f.Write(c)
		}
		v.mu.Lock()
		if len(v.free) < maxFree {
			v.free = append(v.free, c[:0])
		}
		v.mu.Unlock()
	}
	if err == nil {
		_, err = v.f.Write(sum.Sum(nil))
	}
	v.err = err
}

// take waits for a chunk that is full, or for the end; nil: all are written.
func (v *Saving) take() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	for !v.ended && (len(v.chunks) == 0 || len(v.chunks[0]) < chunkSize) {
		v.more.Wait()
	}
	if len(v.chunks) == 0 {
		return nil
	}
	c := v.chunks[0]
	v.chunks[0] = nil
	v.chunks = v.chunks[1:]
	return c
}

func (v *Saving) end() error {
	v.mu.Lock()
	v.ended = true
	v.more.Signal()
	v.mu.Unlock()
	<-v.done
	return v.err
}

// Commit waits until all is on the disk, and puts the file in place of the old one. On
// an error the old one is as it was.
func (v *Saving) Commit() error {
	err := v.end()
	if err == nil {
		err = v.f.Sync()
	}
	if e := v.f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(v.f.Name(), v.path)
	}
	if err == nil {
		return syncDir(filepath.Dir(v.path))
	}
	os.Remove(v.f.Name())
	return fmt.Errorf("snapshot: %w; the last one is kept", err)
}

// Abort removes the new file: what was to be written is not whole.
func (v *Saving) Abort() {
	_ = v.end() // nobody wants the file
	v.f.Close()
	os.Remove(v.f.Name())
}

// Save replaces the file by st, its Pipeline included. On an error the old one is as it
// was.
func (s *Store) Save(st *State) error {
	v, err := s.Begin(st)
	if err != nil {
		return err
	}
	_, _ = v.Write(st.Pipeline) // it never errs
	return v.Commit()
}

var _ io.Writer = (*Saving)(nil)
