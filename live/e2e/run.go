//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// marker is in the environment of every process of a Run, so that one that was left
// behind can be found.
const marker = "SCALE_EVAL_E2E_RUN"

// Run is one folder and the processes that work in it. Safe for concurrent use.
type Run struct {
	// Dir is removed by Close.
	Dir  string
	lock *os.File

	mu     sync.Mutex
	procs  []*Proc
	closed bool
}

// NewRun makes a folder below base, after removing those of runs that were killed.
func NewRun(base string) (*Run, error) {
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	if err := sweep(base); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(base, "run-")
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir}
	if r.lock, err = os.Create(dir + ".lock"); err == nil {
		err = syscall.Flock(int(r.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	openRuns.Lock()
	openRuns.all = append(openRuns.all, r)
	openRuns.Unlock()
	return r, nil
}

// sweep removes the folders of runs whose process is gone: nobody holds their locks.
func sweep(base string) error {
	locks, err := filepath.Glob(filepath.Join(base, "run-*.lock"))
	if err != nil {
		return err
	}
	for _, path := range locks {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			if err := errors.Join(os.RemoveAll(strings.TrimSuffix(path, ".lock")), os.Remove(path)); err != nil {
				f.Close()
				return err
			}
		}
		f.Close()
	}
	return nil
}

var openRuns struct {
	sync.Mutex
	all []*Run
}

// CloseAll closes every Run that is open: for an interrupt.
func CloseAll() error {
	openRuns.Lock()
	all := append([]*Run(nil), openRuns.all...)
	openRuns.Unlock()
	var errs []error
	for _, r := range all {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// Close ends the processes, the last one first, removes the folder, and says what is
// left all the same. It may be called again.
func (r *Run) Close() error {
	r.mu.Lock()
	r.closed = true
	procs := r.procs
	r.procs = nil
	r.mu.Unlock()
	for i := len(procs) - 1; i >= 0; i-- {
		procs[i].Stop()
	}
	err := os.RemoveAll(r.Dir)
	if left := r.Processes(); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("e2e: processes are left: %s", strings.Join(left, ", ")))
	}
	if r.lock != nil {
		os.Remove(r.lock.Name())
		r.lock.Close()
	}
	openRuns.Lock()
	defer openRuns.Unlock()
	for i, o := range openRuns.all {
		if o == r {
			openRuns.all = append(openRuns.all[:i], openRuns.all[i+1:]...)
			break
		}
	}
	return err
}

// Processes lists what runs with the Run's mark, children of children too.
func (r *Run) Processes() []string { return marked(r.Dir) }

func marked(dir string) []string {
	want := marker + "=" + dir
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is well-formed
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it ended meanwhile, or is not ours to read
		}
		for _, v := range strings.Split(string(b), "\x00") {
			if v == want {
				cmd, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
				name, _, _ := strings.Cut(string(cmd), "\x00")
				found = append(found, fmt.Sprintf("%s (%s)", filepath.Base(filepath.Dir(f)), filepath.Base(name)))
				break
			}
		}
	}
	return found
}

// Path is a path in the Run's folder.
func (r *Run) Path(name ...string) string {
	return filepath.Join(append([]string{r.Dir}, name...)...)
}

// Write makes a file in the Run's folder and gives its path.
func (r *Run) Write(name, text string) (string, error) {
	path := r.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// Ports gives n loopback addresses that nothing listened on a moment ago.
func Ports(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // only when all are there: none is given twice
		addrs = append(addrs, "127.0.0.1:"+strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return addrs, nil
}
