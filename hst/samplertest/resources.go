package samplertest

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// operations is how many distinct names boundedMemory sends.
const operations = 1_000_000

func boundedMemory(f Factory, o Options) error {
	sampler := f()
	calls := trace.NewCalls(MaxCalls, nil)
	before := heapBytes()
	l := lent{}
	for i := range operations {
		op := "op" + strconv.Itoa(i)
		s := trace.Span{TraceID: trace.TraceID{Lo: uint64(i)}, ID: trace.SpanID(i + 1), Service: "s", Operation: op,
			Call: calls.Of("s", op), Start: int64(i) * 1000, Duration: int64(i%977+1) * 10_000}
		l.out(s, sampler.Learn)
		if i%64 == 0 {
			l.out(s, func(s *trace.Span) { sampler.Sample(s) })
		}
	}
	grown := heapBytes() - before
	if calls.Len() != MaxCalls+1 || calls.Overflowed() != operations-MaxCalls {
		return fmt.Errorf("%d calls and %d overflowed, want %d and %d",
			calls.Len(), calls.Overflowed(), MaxCalls+1, operations-MaxCalls)
	}
	if grown > o.MaxBytes {
		return fmt.Errorf("%d operations left %d KiB on the heap, want at most %d KiB: index by Call, not by name",
			operations, grown>>10, o.MaxBytes>>10)
	}
	s := trace.Span{Call: trace.OverflowCall, Duration: 5_000_000}
	err := valid(sampler.Sample(&s), &s)
	runtime.KeepAlive(sampler)
	return wrap("the overflow call", err)
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// noGoroutineLeft lets goroutines that are about to end do so.
func noGoroutineLeft(f Factory, o Options) error {
	before := runtime.NumGoroutine()
	decide(f(), Workload(o.Train, 12))
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return nil
		}
		runtime.Gosched()
	}
	return fmt.Errorf("%d goroutines, %d before: a sampler does its work in the call", runtime.NumGoroutine(), before)
}

func allocFree(f Factory, o Options) error {
	sampler, spans := f(), Workload(o.Train, 13)
	learn(sampler, spans)
	for i := range spans { // caches may fill
		sampler.Sample(&spans[i])
	}
	next := 0
	n := testing.AllocsPerRun(1000, func() {
		sampler.Sample(&spans[next%len(spans)])
		next++
	})
	if n > 0 {
		return fmt.Errorf("%v allocations a Sample, want none", n)
	}
	return nil
}
