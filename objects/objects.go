package objects

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Folder is a folder of files or, with a name for it, of a bucket. Names are
// slash-separated and relative to it. It may be used from several goroutines, and
// works under the context that it was opened with.
type Folder interface {
	// URL is where a file is, "" the folder itself: for messages, and to open it by.
	URL(name string) string
	// List is every file below, by name. A folder that is not there has none.
	List() ([]Info, error)
	// Stat errs with fs.ErrNotExist if there is no such file.
	Stat(name string) (Info, error)
	// Open errs with fs.ErrNotExist if there is no such file.
	Open(name string) (File, error)
	// Stream is Open for a file that is read once from its beginning, beside many
	// others: it takes half a megabyte.
	Stream(name string) (io.ReadCloser, error)
	// Create begins a file that nobody sees before its Commit.
	Create(name string) (Pending, error)
	// Remove does not mind a file that is not there.
	Remove(name string) error
	// Close gives up what the folder holds; open files are closed on their own.
	Close() error
}

// Info says what a listing knows of a file.
type Info struct {
	Name     string
	Size     int64 // bytes
	Modified time.Time
}

// File is read at any position, from any goroutine.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Pending is a file being written. It ends with Commit, which also replaces an older
// file, or with Abort; Abort after either does nothing.
type Pending interface {
	io.Writer
	Commit() error
	Abort()
}

// Write makes a file of what f writes: whole, or not at all if f errs.
func Write(to Folder, name string, f func(io.Writer) error) error {
	p, err := to.Create(name)
	if err != nil {
		return err
	}
	defer p.Abort()
	if err := f(p); err != nil {
		return err
	}
	return p.Commit()
}

// ReadAll is the whole of a small file.
func ReadAll(from Folder, name string) ([]byte, error) {
	f, err := from.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, f.Size())
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("%s: %w", from.URL(name), err)
	}
	return b, nil
}

// Remote says whether at is the URL of a bucket.
func Remote(at string) bool {
	scheme, _, ok := strings.Cut(at, "://")
	return ok && scheme != fileScheme && !strings.ContainsAny(scheme, `/\`)
}

const fileScheme = "file"

// Open opens the folder at a path or URL. A folder need not be there; a bucket must, and
// it must let its files be listed, which is tried.
func Open(ctx context.Context, at string) (Folder, error) {
	if Remote(at) {
		return openBucket(ctx, at)
	}
	dir, err := Path(at)
	if err != nil {
		return nil, err
	}
	return folder(dir), nil
}

// Path is the path on this machine that a path or a file URL names.
func Path(at string) (string, error) {
	if scheme, rest, ok := strings.Cut(at, "://"); ok && scheme == fileScheme {
		u, err := url.Parse(at)
		if err != nil || u.Host != "" || u.RawQuery != "" || !strings.HasPrefix(rest, "/") {
			return "", fmt.Errorf("%q: want file:///path, with three slashes and no options", at)
		}
		at = u.Path
	}
	if at == "" {
		return "", fmt.Errorf("want a folder, as a path, file:///path, or the URL of a bucket such as s3://bucket/folder")
	}
	return filepath.FromSlash(at), nil
}

// Split is the folder of the file at a URL or path, and the file's name in it. The name
// is "" where at is a bucket.
func Split(at string) (dir, name string) {
	if !Remote(at) {
		return filepath.Dir(at), filepath.Base(at)
	}
	at, query := cutQuery(at)
	scheme, rest, _ := strings.Cut(at, "://")
	rest = strings.TrimRight(rest, "/")
	i := strings.LastIndexByte(rest, '/')
	if i < 0 {
		return scheme + "://" + rest + query, ""
	}
	return scheme + "://" + rest[:i] + query, rest[i+1:]
}

// Join is the URL or path of a file or folder below at.
func Join(at, name string) string {
	if !Remote(at) {
		return filepath.Join(at, filepath.FromSlash(name))
	}
	at, query := cutQuery(at)
	scheme, rest, _ := strings.Cut(at, "://")
	return scheme + "://" + path.Join(rest, name) + query
}

// cutQuery cuts off what is behind the path of a URL, with its question mark.
func cutQuery(at string) (before, query string) {
	if i := strings.IndexByte(at, '?'); i >= 0 {
		return at[:i], at[i:]
	}
	return at, ""
}
