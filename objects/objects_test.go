package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "gocloud.dev/blob/s3blob"

	"github.com/scale-eval/scale-eval/objects/objecttest"
)

// impatient makes a bucket's waits fit for a test.
func impatient(t *testing.T, at string) *bucket {
	t.Helper()
	f, err := Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	b := f.(*bucket)
	b.pace = pace{attempt: 10 * time.Second, patience: 20 * time.Second, first: time.Millisecond}
	return b
}

func random(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// Both kinds of folder do the same.
func TestFolders(t *testing.T) {
	server := objecttest.Start(t)
	for _, at := range []string{filepath.Join(t.TempDir(), "new"), "file://" + t.TempDir(), server.URL("bucket", "some/folder")} {
		f, err := Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if files, err := f.List(); err != nil || len(files) != 0 {
			t.Errorf("%s: new, and has %v, %v", at, files, err)
		}
		for _, err := range []error{errOf(f.Stat("a")), errOf(f.Open("a")), errOf(f.Stream("a"))} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: a file that is not there: %v", at, err)
			}
		}
		data := random(5 << 20)
		for _, name := range []string{"b", "a", "sub/hour=3/c"} {
			if err := Write(f, name, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
				t.Fatal(err)
			}
		}
		broken := errors.New("broken")
		if err := Write(f, "half", func(w io.Writer) error { w.Write(data); return broken }); !errors.Is(err, broken) {
			t.Errorf("%s: a write that fails: %v", at, err)
		}
		files, err := f.List()
		if err != nil || len(files) != 3 || files[0].Name != "a" || files[2].Name != "sub/hour=3/c" || files[1].Size != int64(len(data)) {
			t.Errorf("%s: has %v, %v", at, files, err)
		}
		if got, err := ReadAll(f, "sub/hour=3/c"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: read %d bytes, %v", at, len(got), err)
		}
		s, err := f.Stream("a")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: streamed %d bytes, %v", at, len(got), err)
		}
		if err := errors.Join(s.Close(), f.Remove("a"), f.Remove("a"), f.Close()); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "scale-eval-upload-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func errOf[T any](_ T, err error) error { return err }

// Any reads at any places are those of the bytes themselves.
func TestRangesEqualBytes(t *testing.T) {
	server := objecttest.Start(t)
	b := impatient(t, server.URL("bucket", "x"))
	rng := rand.New(rand.NewPCG(3, 3))
	for _, size := range []int{0, 1, 100, tailBytes, tailBytes + 1, 9<<20 + 7} {
		want := random(size)
		server.Put("x/f", want)
		info, err := b.Stat("f")
		if err != nil {
			t.Fatal(err)
		}
		o := newObject(b, info, window{1 << 18, 4, 2})
		for range 200 {
			off, n := rng.IntN(size+10), rng.IntN(1<<rng.IntN(21)+1)
			got := make([]byte, n)
			m, err := o.ReadAt(got, int64(off))
			w := want[min(off, size):min(off+n, size)]
			if !bytes.Equal(got[:m], w) || (m < n) != (err == io.EOF) {
				t.Fatalf("%d bytes at %d of %d: got %d, %v", n, off, size, m, err)
			}
		}
		if len(o.blocks) > 4 {
			t.Errorf("%d blocks are kept, want 4", len(o.blocks))
		}
		o.Close()
	}
}

// What passes is waited for, and what was read and written is whole.
func TestFaultsPass(t *testing.T) {
	server := objecttest.Start(t)
	data := random(3 << 20)
	b := impatient(t, server.URL("bucket", "x"))
	b.pace.attempt = 2 * time.Second
	for name, kind := range map[string]objecttest.Kind{"503": objecttest.Unavailable, "truncated": objecttest.Truncated, "silent": objecttest.Silent, "cut": objecttest.Cut} {
		before := server.Faults.Hits()
		// The SDK itself tries three times.
		n := 4
		if kind == objecttest.Silent {
			n = 1
		}
		server.Faults.Fail(kind, n, http.MethodPut, "/f")
		server.Faults.Fail(kind, n, http.MethodGet, "/f")
		if err := Write(b, "f", func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := ReadAll(b, "f"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if hits := server.Faults.Hits() - before; hits < 2 {
			t.Errorf("%s: %d requests failed: the test shows nothing", name, hits)
		}
	}
}

// What does not pass is said, soon or when patience ends, with the URL and what to do.
func TestFaultsStay(t *testing.T) {
	server := objecttest.Start(t)
	server.Put("x/f", random(100))
	b := impatient(t, server.URL("bucket", "x"))
	want := func(what string, err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: want %q in %v", what, w, err)
			}
		}
	}
	b.pace.patience = 50 * time.Millisecond
	server.Faults.Fail(objecttest.Unavailable, 1000, http.MethodGet, "/f")
	_, err := ReadAll(b, "f")
	want("503 for ever", err, "s3://bucket/x/f", "gave up after", "SlowDown", "run the same command again")

	_, err = Open(t.Context(), server.URL("other", "x"))
	want("missing bucket", err, "s3://other", "there is no bucket", "make it")
	_, err = Open(t.Context(), "nocloud://bucket")
	want("unknown scheme", err, "nocloud")
	for _, bad := range []string{"", "s3:///x", "s3://u:p@b/x", "file://host/x", "s3://b\x7f/"} {
		if _, err := Open(t.Context(), bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	objecttest.Credentials(t.Setenv, "AKIDWRONG", "secret")
	_, err = Open(t.Context(), server.URL("bucket", "x"))
	want("wrong key", err, "s3://bucket/x", "access was refused", "credentials", "InvalidAccessKeyId")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, server.URL("bucket", "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// A file that was written anew is not mixed with the one that was opened.
func TestChanged(t *testing.T) {
	server := objecttest.Start(t)
	b := impatient(t, server.URL("bucket", "x"))
	for _, size := range []int{1 << 20, 1<<20 + 1} {
		server.Put("x/f", random(1<<20))
		f, err := b.Open("f")
		if err != nil {
			t.Fatal(err)
		}
		server.Put("x/f", random(size))
		if _, err := f.ReadAt(make([]byte, 10), 100); !errors.Is(err, errChanged) {
			t.Errorf("%d bytes instead: %v", size, err)
		}
		f.Close()
	}
}

func TestNames(t *testing.T) {
	for _, c := range [][4]string{
		{"s3://b/x/y.parquet?region=r", "s3://b/x?region=r", "y.parquet", "s3://b/x/y.parquet/z?region=r"},
		{"s3://b/x", "s3://b", "x", "s3://b/x/z"},
		{"s3://b/", "s3://b", "", "s3://b/z"},
		{filepath.Join("a", "b"), "a", "b", filepath.Join("a", "b", "z")},
	} {
		if dir, name := Split(c[0]); dir != c[1] || name != c[2] || Join(c[0], "z") != c[3] {
			t.Errorf("%s: %s, %s; %s", c[0], dir, name, Join(c[0], "z"))
		}
	}
	for at, want := range map[string]bool{"s3://b": true, "file:///x": false, "x": false, "": false, "a/b://c": false} {
		if Remote(at) != want {
			t.Errorf("Remote(%q) = %v", at, !want)
		}
	}
}
