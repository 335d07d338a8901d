package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fileServer serves content with an ETag through net/http's own range handling;
// the first cut bytes of each full answer are followed by a broken connection
// while cut > 0. It counts the bytes that went out.
type fileServer struct {
	content []byte
	etag    string
	cut     int
	ranges  []string
}

func (s *fileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	w.Header().Set("ETag", s.etag)
	if s.cut > 0 && r.Header.Get("Range") == "" {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(s.content[:s.cut])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(s.content))
}

func serve(t *testing.T, s *fileServer) string {
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL
}

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func TestFetchContinuesAPart(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	s := &fileServer{content: content, etag: `"v1"`, cut: 300_000}
	d := Download{URL: serve(t, s), Path: filepath.Join(t.TempDir(), "cache", "f.bin"), SHA256: sumOf(content)}
	if _, err := Fetch(context.Background(), http.DefaultClient, d); err == nil || !strings.Contains(err.Error(), "run the same command again") {
		t.Fatalf("a cut connection: %v, want an error that says how to go on", err)
	}
	var first, last int64
	d.Progress = func(done, total int64) {
		if first == 0 {
			first = done
		}
		if last = done; total != int64(len(content)) {
			t.Fatalf("total %d", total)
		}
	}
	sum, err := Fetch(context.Background(), http.DefaultClient, d)
	if err != nil || sum != d.SHA256 {
		t.Fatal(sum, err)
	}
	if len(s.ranges) != 2 || s.ranges[1] == "" || first <= 300_000 || last != int64(len(content)) {
		t.Errorf("ranges %q, progress %d..%d: want the second request to continue", s.ranges, first, last)
	}
	got, err := os.ReadFile(d.Path)
	if err != nil || !bytes.Equal(got, content) {
		t.Error("the file differs from what was served", err)
	}
	if left, _ := filepath.Glob(d.Path + ".part*"); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

func TestFetchStartsOverWhenTheFileChanged(t *testing.T) {
	s := &fileServer{content: bytes.Repeat([]byte("a"), 500_000), etag: `"v1"`, cut: 200_000}
	d := Download{URL: serve(t, s), Path: filepath.Join(t.TempDir(), "f.bin")}
	_, _ = Fetch(context.Background(), http.DefaultClient, d)
	s.content, s.etag, s.cut = bytes.Repeat([]byte("b"), 400_000), `"v2"`, 0
	sum, err := Fetch(context.Background(), http.DefaultClient, d)
	if err != nil || sum != sumOf(s.content) {
		t.Fatalf("sum %s, %v: want the new version alone", sum, err)
	}
}

func TestFetchRefusesAWrongSum(t *testing.T) {
	s := &fileServer{content: []byte("x"), etag: `"v"`}
	d := Download{URL: serve(t, s), Path: filepath.Join(t.TempDir(), "f"), SHA256: sumOf([]byte("y"))}
	if _, err := Fetch(context.Background(), http.DefaultClient, d); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Fatalf("%v, want an error with both sums", err)
	}
	if left, _ := filepath.Glob(d.Path + "*"); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

func TestFetchNotFound(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	_, err := Fetch(context.Background(), http.DefaultClient, Download{URL: srv.URL + "/x", Path: filepath.Join(t.TempDir(), "f")})
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Fatal(err)
	}
}
