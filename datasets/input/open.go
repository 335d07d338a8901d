package input

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
)

// MaxDepth is how many layers of compression and archives may be nested. It stops
// files that unpack to themselves.
const MaxDepth = 8

// File is one stream of an input. Its reader ends with the next call of
// [Files.Next]. Read errors name the file.
type File struct {
	// Name is the slash-separated path inside the input, without suffixes of
	// compression or archives: "raw/2022-05-02.csv". Of a plain file its base name.
	Name string
	// Path is where the stream comes from, for messages: the path that was opened,
	// with ":" before each name inside an archive.
	Path string
	io.Reader
}

// Files iterates over the streams of an input. It is not safe for concurrent use,
// except for Progress.
type Files struct {
	stack []layer
	size  int64
	read  atomic.Int64
}

// layer is a folder, an archive or a single file that is being read.
type layer struct {
	next  func() (*packed, error) // io.EOF at the end
	close func() error            // may be nil
}

// packed is a stream whose packing is not yet known.
type packed struct {
	name, path string
	r          io.Reader
	depth      int
	closers    []func() error
}

// Open prepares the file or folder at path. Only a folder's list of names is read
// here; files are opened one at a time by Next.
func Open(path string) (*Files, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f := &Files{}
	if !info.IsDir() {
		f.size = info.Size()
		f.push(once(func() (*packed, error) { return f.open(path, filepath.Base(path)) }))
		return f, nil
	}
	entries, err := walk(path)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		f.size += e.size
	}
	f.push(layer{next: func() (*packed, error) {
		if len(entries) == 0 {
			return nil, io.EOF
		}
		e := entries[0]
		entries = entries[1:]
		return f.open(e.path, e.name)
	}})
	return f, nil
}

// FromReader is an input of one stream, such as standard input: compressed or an
// archive like any other. name stands for it in messages.
func FromReader(name string, r io.Reader) *Files {
	f := &Files{}
	f.push(once(func() (*packed, error) {
		return &packed{name: path.Base(name), path: name, r: f.counted(r)}, nil
	}))
	return f
}

func once(open func() (*packed, error)) layer {
	done := false
	return layer{next: func() (*packed, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		return open()
	}}
}

func (f *Files) open(path, name string) (*packed, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &packed{name: name, path: path, r: f.counted(file), closers: []func() error{file.Close}}, nil
}

// Next returns the next stream, which ends the one before it, or io.EOF. Members
// of archives and folders that are not regular files (links in archives, devices,
// pipes) are passed over. An error ends the iteration.
func (f *Files) Next() (*File, error) {
	for len(f.stack) > 0 {
		p, err := f.stack[len(f.stack)-1].next()
		if err == io.EOF {
			if err := f.pop(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		file, err := f.unpack(p)
		if file != nil || err != nil {
			return file, err
		}
	}
	return nil, io.EOF
}

// unpack peels p down to a stream, or pushes it as an archive and returns nil.
// What it opened is closed by the pop of the layer that it pushes.
func (f *Files) unpack(p *packed) (*File, error) {
	for {
		if p.depth > MaxDepth {
			return nil, errors.Join(fmt.Errorf("%s: more than %d layers of compression: unpack it by hand if you trust it", p.path, MaxDepth), p.close())
		}
		br := bufio.NewReaderSize(p.r, 64<<10)
		head, err := br.Peek(sniffLen)
		if err != nil && err != io.EOF {
			return nil, errors.Join(readError(p.path, err), p.close())
		}
		p.r = br
		switch k := sniff(head); k {
		case plain:
			f.push(layer{next: func() (*packed, error) { return nil, io.EOF }, close: p.close})
			return &File{Name: trimPacking(p.name), Path: p.path, Reader: &named{p.path, p.r}}, nil
		case tarball:
			f.push(f.tar(p))
			return nil, nil
		default:
			if err := p.peel(k); err != nil {
				return nil, errors.Join(err, p.close())
			}
		}
		p.depth++
	}
}

// tar is the layer of an archive's members.
func (f *Files) tar(p *packed) layer {
	tr := tar.NewReader(&named{p.path, p.r})
	dir := path.Dir(p.name)
	return layer{close: p.close, next: func() (*packed, error) {
		for {
			h, err := tr.Next()
			if err == io.EOF {
				return nil, io.EOF
			}
			if err != nil {
				return nil, readError(p.path, err)
			}
			if h.Typeflag == tar.TypeReg {
				name := path.Join(dir, path.Clean("/" + h.Name)[1:])
				return &packed{name: name, path: p.path + ":" + h.Name, r: tr, depth: p.depth + 1}, nil
			}
		}
	}}
}

func (f *Files) push(l layer) { f.stack = append(f.stack, l) }

func (f *Files) pop() error {
	l := f.stack[len(f.stack)-1]
	f.stack = f.stack[:len(f.stack)-1]
	if l.close == nil {
		return nil
	}
	return l.close()
}

// Close ends the iteration and closes what is open.
func (f *Files) Close() error {
	var errs []error
	for len(f.stack) > 0 {
		errs = append(errs, f.pop())
	}
	return errors.Join(errs...)
}

// Progress is the number of bytes read from disk so far and their total: 0 when it
// is not known. It may be called from any goroutine.
func (f *Files) Progress() (read, total int64) { return f.read.Load(), f.size }

func (f *Files) counted(r io.Reader) io.Reader { return &counter{r, &f.read} }

type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (p *packed) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	return errors.Join(errs...)
}

// List returns the names of all streams of the input at path, in the order of
// Next. Cost: archives are read to their end.
func List(path string) (names []string, err error) {
	files, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	for {
		f, err := files.Next()
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		names = append(names, f.Name)
	}
}
