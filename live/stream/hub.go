package stream

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/scale-eval/scale-eval/live/otlp"
)

// Options of a Hub.
type Options struct {
	// MaxSubscribers at a time; more are told to come again. Default 32.
	MaxSubscribers int
	// MaxBytes is each subscriber's buffer, in bytes of spans. Default 4 MiB.
	MaxBytes int
	// MaxMessage is the most that is put into one message when more waits, in bytes; a
	// single larger batch still goes out. Default 512 KiB, far below gRPC's limit.
	MaxMessage int
}

// Hub fans sampled spans out. It is an otlp.Output. Safe for concurrent use.
type Hub struct {
	opt  Options
	done chan struct{}
	once sync.Once

	mu   sync.Mutex
	subs []*subscriber // in the order of their coming
}

var _ otlp.Output = (*Hub)(nil)

// NewHub makes a Hub without subscribers.
func NewHub(o Options) *Hub {
	if o.MaxSubscribers <= 0 {
		o.MaxSubscribers = 32
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 4 << 20
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 512 << 10
	}
	return &Hub{opt: o, done: make(chan struct{})}
}

// Sampled gives b to every subscriber that has room for it.
func (h *Hub) Sampled(b *otlp.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.subs {
		s.offer(b)
	}
}

// Close ends every subscription after what waits was sent; a subscriber that does
// not read is left to the server's own end.
func (h *Hub) Close() { h.once.Do(func() { close(h.done) }) }

// Stats is what one subscriber got. Spans are counted, also in a stream of ids.
type Stats struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"` // "spans" or "trace_ids"
	Sent   int64  `json:"sent"`
	Missed int64  `json:"missed"`
	Bytes  int    `json:"waiting_bytes"` // gauge
}

// Subscribers lists those that are there now, in the order of their coming.
func (h *Hub) Subscribers() (out []Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.subs {
		out = append(out, s.stats())
	}
	return out
}

// subscribe adds one; nil: there are too many.
func (h *Hub) subscribe(name string, f form) *subscriber {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subs) >= h.opt.MaxSubscribers {
		return nil
	}
	s := &subscriber{name: clip(name), form: f, maxBytes: h.opt.MaxBytes, maxMessage: h.opt.MaxMessage, wake: make(chan struct{}, 1)}
	h.subs = append(h.subs, s)
	return s
}

func (h *Hub) leave(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs = slices.DeleteFunc(h.subs, func(o *subscriber) bool { return o == s })
}

// clip keeps a name fit for logs and labels.
func clip(name string) string {
	const most = 100
	return strings.ToValidUTF8(name[:min(len(name), most)], "?")
}

// form is how a subscriber wants its spans.
type form struct {
	name  string
	write func(dst []byte, b *otlp.Batch) []byte
}

// spansForm is the bytes as they are: messages one behind the other are one.
var spansForm = form{"spans", func(dst []byte, b *otlp.Batch) []byte { return append(dst, b.Data...) }}

var idsForm = form{"trace_ids", func(dst []byte, b *otlp.Batch) []byte {
	for _, id := range b.IDs {
		bytes := id.Bytes()
		dst = protowire.AppendTag(dst, fieldIDs, protowire.BytesType)
		dst = protowire.AppendBytes(dst, bytes[:])
	}
	return dst
}}

// Field numbers of stream.proto.
const (
	fieldIDs    = 1
	fieldMissed = 1000
)

// subscriber is one bounded buffer.
type subscriber struct {
	name                 string
	form                 form
	maxBytes, maxMessage int
	wake                 chan struct{}

	mu           sync.Mutex
	queue        []entry
	bytes        int
	gap          int64 // spans missed since the last entry
	sent, missed int64
}

type entry struct {
	batch *otlp.Batch
	gap   int64 // spans missed before it
}

// offer queues b or counts it as missed.
func (s *subscriber) offer(b *otlp.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes > 0 && s.bytes+len(b.Data) > s.maxBytes {
		s.gap += int64(len(b.IDs))
		s.missed += int64(len(b.IDs))
		return
	}
	s.queue, s.bytes = append(s.queue, entry{b, s.gap}), s.bytes+len(b.Data)
	s.gap = 0
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take appends the next message to dst; ok is false when nothing waits.
func (s *subscriber) take(dst []byte) (msg []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return dst, false
	}
	gap, n, size := s.queue[0].gap, 0, 0
	for _, e := range s.queue {
		if n > 0 && (e.gap > 0 || size+len(e.batch.Data) > s.maxMessage) {
			break
		}
		dst = s.form.write(dst, e.batch)
		size += len(e.batch.Data)
		s.sent += int64(len(e.batch.IDs))
		n++
	}
	clear(s.queue[:n])
	s.queue, s.bytes = s.queue[n:], s.bytes-size
	if gap > 0 {
		dst = protowire.AppendTag(dst, fieldMissed, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(gap))
	}
	return dst, true
}

// takeGap is a message for spans that were missed when none has followed; ok is
// false when there are none, or something waits.
func (s *subscriber) takeGap() (msg []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 || s.gap == 0 {
		return nil, false
	}
	msg = protowire.AppendTag(nil, fieldMissed, protowire.VarintType)
	msg = protowire.AppendVarint(msg, uint64(s.gap))
	s.gap = 0
	return msg, true
}

func (s *subscriber) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{s.name, s.form.name, s.sent, s.missed, s.bytes}
}
