package objecttest

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Kind is a way in which a store fails.
type Kind int

// The kinds. Each fault is of one request; the one after it is answered.
const (
	Unavailable Kind = iota // 503 SlowDown
	Truncated               // half of the body, then the connection is cut
	Silent                  // no answer until the client gives up
	Cut                     // the connection is cut without an answer
)

// Faults answers as Next does, but for the requests that are to fail.
type Faults struct {
	Next http.Handler

	mu    sync.Mutex
	rules []rule
	hits  int
}

type rule struct {
	kind   Kind
	left   int
	method string
	part   string // of the path
}

// Fail makes the next n requests of method whose path contains part fail.
func (f *Faults) Fail(kind Kind, n int, method, part string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rule{kind, n, method, part})
}

// Hits is how many requests failed so far.
func (f *Faults) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// next is the fault that hits a request.
func (f *Faults) next(r *http.Request) (Kind, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		if x := &f.rules[i]; x.left > 0 && x.method == r.Method && strings.Contains(r.URL.Path, x.part) {
			x.left--
			f.hits++
			return x.kind, true
		}
	}
	return 0, false
}

func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, ok := f.next(r)
	switch {
	case !ok:
		f.Next.ServeHTTP(w, r)
	case kind == Unavailable:
		fail(w, http.StatusServiceUnavailable, "SlowDown")
	case kind == Silent:
		<-r.Context().Done()
	case kind == Truncated:
		f.Next.ServeHTTP(&short{ResponseWriter: w}, r)
	default:
		panic(http.ErrAbortHandler)
	}
}

// short cuts the connection in the middle of the body.
type short struct {
	http.ResponseWriter
	left int
	on   bool
}

func (s *short) WriteHeader(status int) {
	if n, err := strconv.Atoi(s.Header().Get("Content-Length")); err == nil && n > 1 {
		s.left, s.on = n/2, true
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *short) Write(p []byte) (int, error) {
	if !s.on || len(p) <= s.left {
		s.left -= len(p)
		return s.ResponseWriter.Write(p)
	}
	s.ResponseWriter.Write(p[:s.left])
	s.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}
