package objects

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder is a folder of this machine.
type folder string

func (d folder) URL(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// List leaves out what is being written, whose names begin with a dot.
func (d folder) List() (files []Info, err error) {
	err = filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		info, err := os.Stat(path) // of what a link leads to
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		name, err := filepath.Rel(string(d), path)
		files = append(files, Info{filepath.ToSlash(name), info.Size(), info.ModTime()})
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return files, err
}

func (d folder) Stat(name string) (Info, error) {
	info, err := os.Stat(d.URL(name))
	if err != nil {
		return Info{}, err
	}
	return Info{name, info.Size(), info.ModTime()}, nil
}

func (d folder) Open(name string) (File, error) {
	return OpenFile(d.URL(name))
}

// OpenFile opens a file of this machine.
func OpenFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &localFile{f, info.Size()}, nil
}

func (d folder) Stream(name string) (io.ReadCloser, error) { return os.Open(d.URL(name)) }

type localFile struct {
	*os.File
	size int64
}

func (f *localFile) Size() int64 { return f.size }

func (d folder) Create(name string) (Pending, error) {
	path := d.URL(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, err
	}
	return &localPending{File: tmp, path: path}, nil
}

// localPending is written beside its place and renamed.
type localPending struct {
	*os.File
	path string
	done bool
}

func (p *localPending) Commit() error {
	if err := p.Chmod(0o644); err != nil {
		return err
	}
	// Without it, a power cut may leave the name and lose the bytes.
	if err := p.Sync(); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	if err := os.Rename(p.Name(), p.path); err != nil {
		return err
	}
	p.done = true
	return nil
}

func (p *localPending) Abort() {
	if !p.done {
		p.Close()
		os.Remove(p.Name())
		p.done = true
	}
}

func (d folder) Remove(name string) error {
	if err := os.Remove(d.URL(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d folder) Close() error { return nil }
