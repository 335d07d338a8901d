package otlp

import (
	"fmt"
	"runtime/metrics"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Reason is why an export was not taken.
type Reason uint8

// The reasons. All but ReasonMalformed pass: the sender is asked to come again.
const (
	ReasonMalformed Reason = iota
	ReasonFull
	ReasonBytes
	ReasonMemory
	ReasonDraining
	numReasons
)

var reasonTexts = [numReasons]string{
	"malformed", "too many exports in flight", "too many bytes in flight", "the memory limit is reached", "the receiver is stopping",
}

func (r Reason) String() string {
	if r >= numReasons {
		return fmt.Sprintf("reason(%d)", uint8(r))
	}
	return reasonTexts[r]
}

// Refusal is an export that was not taken: none of its spans was judged.
type Refusal struct {
	Reason Reason
	Msg    string        // what is malformed
	Retry  time.Duration // after which to come again; 0: never
}

func (r *Refusal) Error() string {
	if r.Msg != "" {
		return fmt.Sprintf("%v: %s", r.Reason, r.Msg)
	}
	return r.Reason.String()
}

// GRPCStatus is how OTLP says it: Unavailable with RetryInfo, which every sender
// repeats (without it, ResourceExhausted makes senders drop the spans), or
// InvalidArgument, which none does.
func (r *Refusal) GRPCStatus() *status.Status {
	if r.Retry == 0 {
		return status.New(codes.InvalidArgument, r.Error())
	}
	s := status.New(codes.Unavailable, r.Error())
	if d, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(r.Retry)}); err == nil {
		s = d
	}
	return s
}

// refuse counts and makes a Refusal that passes.
func (st *Stage) refuse(r Reason) *Refusal {
	st.counters.refused[r].Add(1)
	return &Refusal{Reason: r, Retry: st.opt.RetryDelay}
}

// MemoryLimit is an Options.Overloaded that sheds while the live heap, as the last
// garbage collection found it, is above limit bytes. Garbage does not count: set the
// runtime's own limit (debug.SetMemoryLimit) so that it is collected in time.
func MemoryLimit(limit int64) func() bool { return memoryLimit(limit, liveHeap) }

// heapAge is how long a reading is good for: one costs some microseconds.
const heapAge = 100 * time.Millisecond

func memoryLimit(limit int64, heap func() int64) func() bool {
	var mu sync.Mutex
	var at time.Time
	over := false
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); at.IsZero() || now.Sub(at) >= heapAge {
			at, over = now, heap() > limit
		}
		return over
	}
}

func liveHeap() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
