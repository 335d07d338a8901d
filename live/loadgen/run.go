package loadgen

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/scale-eval/scale-eval/live/internal/raw"
)

// Options of Run.
type Options struct {
	Config
	// Conns are the connections; each has Workers exports on the way at most.
	Conns   []grpc.ClientConnInterface
	Workers int
	// Rate is spans a second over all; 0: as fast as they are acknowledged. At a rate,
	// exports are due at fixed times, and the time that one waits for a late worker
	// counts as its latency: a slow receiver does not slow its own measure.
	Rate float64
	// Duration is how long new exports are made.
	Duration time.Duration
	// Call are options of each call, such as a compressor.
	Call []grpc.CallOption
}

// Result is what a Run did.
type Result struct {
	Spans     int64           // acknowledged
	Rejected  int64           // of these, by partial success
	Exports   int64           // acknowledged
	Refused   int64           // tries that were told to come again
	Failed    int64           // exports lost for good
	Elapsed   time.Duration   // until the last answer
	Latencies []time.Duration // of acknowledged exports, sorted; from due to answered
	// Seconds are the Latencies by the second of the run in which the exports were due,
	// each sorted.
	Seconds [][]time.Duration
	Err     error // the first that failed an export
}

// Latency is the quantile q, 0..1, of the latencies; 0 without any.
func (r *Result) Latency(q float64) time.Duration { return Quantile(r.Latencies, q) }

// Quantile is the quantile q, 0..1, of sorted latencies; 0 without any.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// Run sends until Duration is over or ctx ends, and waits for the answers. The error
// is that of the options.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if len(o.Conns) == 0 || o.Workers < 1 || o.Duration <= 0 || o.Rate < 0 {
		return nil, errors.New("loadgen: want a connection, a worker, a duration and a rate that is not negative")
	}
	o.Call = append(slices.Clone(o.Call), grpc.ForceCodecV2(raw.Codec))
	n := len(o.Conns) * o.Workers
	workers := make([]*worker, n)
	for i := range workers {
		c := o.Config
		c.Seed += uint64(i) << 32
		g, err := New(c)
		if err != nil {
			return nil, err
		}
		workers[i] = &worker{o: &o, gen: g, conn: o.Conns[i%len(o.Conns)]}
		if o.Rate > 0 {
			workers[i].every = time.Duration(float64(n*g.Spans()) / o.Rate * 1e9)
			workers[i].first = time.Duration(i) * workers[i].every / time.Duration(n)
		}
	}
	start := time.Now()
	var wait sync.WaitGroup
	for _, w := range workers {
		wait.Go(func() { w.run(ctx, start) })
	}
	wait.Wait()
	res := &Result{Elapsed: time.Since(start)}
	for _, w := range workers {
		res.add(&w.res)
	}
	for _, second := range res.Seconds {
		slices.Sort(second)
		res.Latencies = append(res.Latencies, second...)
	}
	slices.Sort(res.Latencies)
	return res, nil
}

func (r *Result) add(o *Result) {
	r.Spans, r.Rejected, r.Exports = r.Spans+o.Spans, r.Rejected+o.Rejected, r.Exports+o.Exports
	r.Refused, r.Failed = r.Refused+o.Refused, r.Failed+o.Failed
	for i, second := range o.Seconds {
		at := r.second(i)
		*at = append(*at, second...)
	}
	if r.Err == nil {
		r.Err = o.Err
	}
}

// second is the entry of a second of the run.
func (r *Result) second(i int) *[]time.Duration {
	for len(r.Seconds) <= i {
		r.Seconds = append(r.Seconds, nil)
	}
	return &r.Seconds[i]
}

// worker has one export on the way.
type worker struct {
	o            *Options
	gen          *Generator
	conn         grpc.ClientConnInterface
	every, first time.Duration // 0: no rate
	res          Result
}

func (w *worker) run(ctx context.Context, start time.Time) {
	due := start.Add(w.first)
	for ctx.Err() == nil {
		if w.every > 0 {
			if due.Sub(start) >= w.o.Duration || !sleep(ctx, time.Until(due)) {
				return
			}
		} else if due = time.Now(); due.Sub(start) >= w.o.Duration {
			return
		}
		w.export(ctx, due, int(due.Sub(start)/time.Second))
		due = due.Add(w.every)
	}
}

// export sends one, due in that second of the run, until it is acknowledged or lost.
func (w *worker) export(ctx context.Context, due time.Time, second int) {
	msg := w.gen.Next(time.Now().UnixNano())
	for {
		rejected, err := w.try(ctx, msg)
		if err == nil {
			at := w.res.second(second)
			*at = append(*at, time.Since(due))
			w.res.Exports++
			w.res.Spans += int64(w.gen.Spans())
			w.res.Rejected += rejected
			return
		}
		wait, again := retry(err)
		if !again || ctx.Err() != nil {
			if w.res.Failed++; w.res.Err == nil {
				w.res.Err = err
			}
			return
		}
		w.res.Refused++
		sleep(ctx, wait)
	}
}

func (w *worker) try(ctx context.Context, msg []byte) (rejected int64, err error) {
	var res raw.Message
	defer res.Free()
	if err := w.conn.Invoke(ctx, exportMethod, &raw.Message{Data: msg}, &res, w.o.Call...); err != nil {
		return 0, err
	}
	return rejectedOf(res.Data)
}

// retry says whether a receiver asked to come again, and when.
func retry(err error) (wait time.Duration, again bool) {
	s := status.Convert(err)
	if s.Code() != codes.Unavailable && s.Code() != codes.ResourceExhausted {
		return 0, false
	}
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
