package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"gocloud.dev/blob"
)

// bucket is a folder of a bucket: the files whose keys begin with prefix.
type bucket struct {
	ctx    context.Context
	blob   *blob.Bucket
	root   string // scheme://bucket
	prefix string // "" or ends in a slash
	query  string // "" or begins with a question mark
	pace   pace
}

func openBucket(ctx context.Context, at string) (Folder, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	if u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%s: want scheme://bucket/folder, options behind a question mark", at)
	}
	root, query := u.Scheme+"://"+u.Host, mark(u.RawQuery)
	opened, err := blob.OpenBucket(ctx, root+mark(driverOptions(u)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	b := newBucket(ctx, opened, root, strings.Trim(u.Path, "/"), query)
	if err := b.accessible(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// driverOptions are those of the URL, and what S3 needs for reading in ranges: a range has
// no checksum, which the SDK would say of each.
func driverOptions(u *url.URL) string {
	const validation = "response_checksum_validation"
	options := u.Query()
	if u.Scheme == "s3" && !options.Has(validation) {
		options.Set(validation, "when_required")
	}
	return options.Encode()
}

// mark puts a question mark before options, if there are any.
func mark(rawQuery string) string {
	if rawQuery == "" {
		return ""
	}
	return "?" + rawQuery
}

func newBucket(ctx context.Context, opened *blob.Bucket, root, dir, query string) *bucket {
	if dir != "" {
		dir += "/"
	}
	return &bucket{ctx: ctx, blob: opened, root: root, prefix: dir, query: query, pace: defaultPace}
}

func (b *bucket) URL(name string) string {
	return strings.TrimSuffix(b.root+"/"+b.prefix+name, "/") + b.query
}

// accessible tells a bucket that is missing or refused from one that is empty.
func (b *bucket) accessible() error {
	return b.try("", func(ctx context.Context) error {
		_, _, err := b.blob.ListPage(ctx, blob.FirstPageToken, 1, nil)
		return err
	})
}

func (b *bucket) List() (files []Info, err error) {
	err = b.try("", func(ctx context.Context) error {
		files = files[:0]
		for it := b.blob.List(&blob.ListOptions{Prefix: b.prefix}); ; {
			o, err := it.Next(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			// A key that ends in a slash stands for a folder in some tools.
			if !o.IsDir && !strings.HasSuffix(o.Key, "/") {
				files = append(files, Info{strings.TrimPrefix(o.Key, b.prefix), o.Size, o.ModTime})
			}
		}
	})
	return files, err
}

func (b *bucket) Stat(name string) (info Info, err error) {
	err = b.try(name, func(ctx context.Context) error {
		a, err := b.blob.Attributes(ctx, b.prefix+name)
		if err == nil {
			info = Info{name, a.Size, a.ModTime}
		}
		return err
	})
	return info, err
}

func (b *bucket) Open(name string) (File, error) {
	info, err := b.Stat(name)
	if err != nil {
		return nil, err
	}
	return newObject(b, info, forColumns), nil
}

func (b *bucket) Stream(name string) (io.ReadCloser, error) {
	info, err := b.Stat(name)
	if err != nil {
		return nil, err
	}
	o := newObject(b, info, forStream)
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(o, 0, info.Size), o}, nil
}

func (b *bucket) Create(name string) (Pending, error) {
	tmp, err := os.CreateTemp("", "scale-eval-upload-*")
	if err != nil {
		return nil, err
	}
	return &upload{File: tmp, b: b, name: name}, nil
}

// upload collects a file on this machine, because an upload that is cut short begins
// again and what wrote the file cannot.
type upload struct {
	*os.File
	b    *bucket
	name string
	done bool
}

// slowestUpload is how many bytes a second an upload must make to be waited for.
const slowestUpload = 256 << 10

func (u *upload) Commit() error {
	size, err := u.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	b := *u.b
	b.pace.attempt += time.Duration(size/slowestUpload) * time.Second
	err = b.try(u.name, func(ctx context.Context) error {
		return b.blob.Upload(ctx, b.prefix+u.name, io.NewSectionReader(u.File, 0, size), &blob.WriterOptions{ContentType: "application/octet-stream"})
	})
	if err == nil {
		u.Abort() // of the copy on this machine
	}
	return err
}

func (u *upload) Abort() {
	if !u.done {
		u.Close()
		os.Remove(u.Name())
		u.done = true
	}
}

func (b *bucket) Remove(name string) error {
	err := b.try(name, func(ctx context.Context) error { return b.blob.Delete(ctx, b.prefix+name) })
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (b *bucket) Close() error { return b.blob.Close() }
