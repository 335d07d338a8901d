package objecttest

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bucket is the one that a Server has, and Key the access key that it knows.
const (
	Bucket = "bucket"
	Key    = "AKIDTEST"
)

// Server is a store of one bucket.
type Server struct {
	Faults *Faults // in front of it
	url    string

	mu      sync.Mutex
	objects map[string][]byte
	written map[string]time.Time
	puts    map[string]int // how often a key was written
	clock   time.Time
}

// Start starts a server that ends with the test, and sets the environment to credentials
// that it takes.
func Start(t testing.TB) *Server {
	s := &Server{objects: map[string][]byte{}, written: map[string]time.Time{}, puts: map[string]int{}, clock: time.Unix(1_700_000_000, 0)}
	s.Faults = &Faults{Next: s}
	h := httptest.NewServer(s.Faults)
	t.Cleanup(h.Close)
	s.url = h.URL
	Credentials(t.Setenv, Key, "secret")
	return s
}

// Credentials sets the environment of the AWS SDK so that nothing of this machine's own
// configuration is used.
func Credentials(set func(name, value string), key, secret string) {
	set("AWS_ACCESS_KEY_ID", key)
	set("AWS_SECRET_ACCESS_KEY", secret)
	set("AWS_EC2_METADATA_DISABLED", "true")
	set("AWS_CONFIG_FILE", "/dev/null")
	set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
}

// URL is that of a folder of a bucket of the server.
func (s *Server) URL(bucket, folder string) string { return URL(s.url, bucket, folder) }

// URL is that of a folder of a bucket of the S3 server at endpoint.
func URL(endpoint, bucket, folder string) string {
	return "s3://" + bucket + "/" + folder + "?endpoint=" + endpoint + "&region=us-east-1&use_path_style=true"
}

// Put writes an object.
func (s *Server) Put(key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(time.Second)
	s.objects[key], s.written[key] = bytes.Clone(data), s.clock
	s.puts[key]++
}

// Get is an object, nil if there is none.
func (s *Server) Get(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.objects[key])
}

// Puts is how often an object was written.
func (s *Server) Puts(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts[key]
}

// Keys lists all objects.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="+Key+"/"):
		fail(w, http.StatusForbidden, "InvalidAccessKeyId")
	case bucket != Bucket:
		fail(w, http.StatusNotFound, "NoSuchBucket")
	case r.Method == http.MethodPut:
		s.put(w, r, key)
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		delete(s.objects, key)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	case key == "":
		s.list(w, r.URL.Query().Get("prefix"))
	default:
		s.get(w, r, key)
	}
}

// fail answers as S3 does.
func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>test</Message></Error>", code)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, key string) {
	body := io.Reader(r.Body)
	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		body = &chunks{r: bufio.NewReader(r.Body)}
	}
	data, err := io.ReadAll(body)
	if err != nil {
		fail(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.Put(key, data)
	w.Header().Set("ETag", `"etag"`)
}

// chunks is the body of aws-chunked encoding: size in hexadecimal, data, trailers last.
type chunks struct {
	r    *bufio.Reader
	left int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		text, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		if text == "" {
			return c.Read(p) // behind the data of a chunk
		}
		size, err := strconv.ParseUint(text, 16, 31)
		if err != nil {
			return 0, err
		}
		if size == 0 {
			return 0, io.EOF
		}
		c.left = int(size)
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	data, ok := s.objects[key]
	at := s.written[key]
	s.mu.Unlock()
	if !ok {
		fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", at, bytes.NewReader(data))
}

type listing struct {
	XMLName     xml.Name `xml:"ListBucketResult"`
	KeyCount    int
	IsTruncated bool
	Contents    []listed
}

type listed struct {
	Key          string
	LastModified time.Time
	Size         int
	ETag         string
}

func (s *Server) list(w http.ResponseWriter, prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out listing
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			out.Contents = append(out.Contents, listed{key, s.written[key], len(s.objects[key]), `"etag"`})
		}
	}
	out.KeyCount = len(out.Contents)
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(out)
}
