package live

import (
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// The history that load is judged by: loadBucket wide, loadSpan long.
const (
	loadBucket = int64(5 * time.Second)
	loadSpan   = int64(10 * time.Minute)
)

// service is what is kept of one service: its load, and whether it is in trouble.
type service struct {
	name    string
	load    buckets[loadCount]
	usage   *Usage
	hotLast int64 // when it was last blamed; minTime: never
	ref     loadRef
	entries []trace.Call // of requests that come to it
}

// loadCount counts requests that entered a service: arrivals by when they started,
// completions and their time by when they ended.
type loadCount struct {
	arrivals, completions int64
	busy                  float64 // ns
	// served are completions without an error: a rejected request has completed, too,
	// and was never worked on.
	served        int64
	time, squares float64 // of those served: ns, ns^2
}

// Usage is what resource metrics say of a service, each a part of its limit.
type Usage struct {
	At        int64   // ns since the Unix epoch
	CPU       float64 // used, 0 to 1
	Memory    float64 // used, 0 to 1
	Throttled float64 // part of the time that CPU was refused, 0 to 1
	Busy      float64 // threads, workers or connections in use, 0 to 1; 0: unknown
}

// services interns services and finds them by call.
type services struct {
	byName map[string]*service
	order  []*service // by first sight
	ofCall []*service // by trace.Call; nil: not seen
}

func newServices() services { return services{byName: map[string]*service{}} }

func (t *services) of(call trace.Call, name string) *service {
	if int(call) < len(t.ofCall) && t.ofCall[call] != nil {
		return t.ofCall[call]
	}
	s := t.intern(name)
	for int(call) >= len(t.ofCall) {
		t.ofCall = append(t.ofCall, nil)
	}
	t.ofCall[call] = s
	return s
}

func (t *services) intern(name string) *service {
	s, ok := t.byName[name]
	if !ok {
		s = &service{name: name, hotLast: minTime, load: newBuckets[loadCount](loadBucket, loadSpan)}
		t.byName[name] = s
		t.order = append(t.order, s)
	}
	return s
}

func (s *service) observe(sp *Span) {
	if !sp.SpanKind.entry() {
		return
	}
	if b := s.load.at(sp.Start); b != nil {
		b.arrivals++
	}
	if b := s.load.at(sp.End()); b != nil {
		b.completions++
		b.busy += float64(sp.Duration)
		if sp.Status != StatusError {
			d := float64(sp.Duration)
			b.served++
			b.time += d
			b.squares += float64(d * d)
		}
	}
}

// between sums the buckets from the one of from to the last one that is over at to,
// and says how many seconds they cover. The bucket of to is still filling.
func (s *service) between(from, to int64) (sum loadCount, seconds float64) {
	s.load.each(from-loadBucket, to-loadBucket, func(c *loadCount) {
		sum.arrivals += c.arrivals
		sum.completions += c.completions
		sum.busy += c.busy
	})
	n := floorDiv(to, loadBucket) - floorDiv(from, loadBucket)
	return sum, float64(n*loadBucket) / 1e9
}
