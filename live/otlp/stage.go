package otlp

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
)

// Judge decides about spans. A *live.Pipeline is one; [NewSampler] makes one of a
// sampler alone. It is called from one goroutine.
type Judge interface {
	// Span decides about s and sets s.Call and s.Decision. An error says that the span
	// was not admitted, and why (live.ErrLate and the others).
	Span(s *live.Span) (trace.Decision, error)
}

// Output takes sampled spans. It must not block: the sampler waits for it. The
// batch is shared and not to be modified; it may be kept.
type Output interface{ Sampled(b *Batch) }

// Batch holds the sampled spans of one export.
type Batch struct {
	// Data is a TracesData message. Messages one behind the other are one, too.
	Data []byte
	// IDs are the traces of the spans, one an entry, in order.
	IDs []trace.TraceID
}

// Recorder sees every span after it was judged, in order, in the goroutine of the
// Judge. err is that of Judge.Span. It must not keep s.
type Recorder interface {
	Judged(s *live.Span, err error)
}

// Defaults of Options.
const (
	DefaultMaxPending = 64
	DefaultMaxBytes   = 64 << 20
	DefaultRetryDelay = 250 * time.Millisecond
)

// Options of a Stage.
type Options struct {
	Judge   Judge // wanted
	Outputs []Output
	// Record sees what was judged; nil: nobody.
	Record Recorder
	// MaxPending is how many exports may be in flight, from before they are read to
	// their answer. Default DefaultMaxPending. What gRPC has read of them is at most
	// MaxPending messages of the server's largest size.
	MaxPending int
	// MaxBytes bounds exports in flight that were read: messages and what was decoded
	// of them. A single larger one is taken when nothing else is in flight. Default
	// DefaultMaxBytes.
	MaxBytes int64
	// Overloaded is asked before each export is read; true sheds it. See [MemoryLimit].
	// nil: never.
	Overloaded func() bool
	// RetryDelay is what refused senders are asked to wait. Default DefaultRetryDelay.
	RetryDelay time.Duration
	// Wire says which span attribute names the service, and which attributes the
	// rules look at (live.RuleSet.AttributeKeys).
	Wire otlp.Options
	// Timed is told how long each export took that was acknowledged, from the
	// goroutine of its sender; nil: nobody.
	Timed func(Timing)
}

// Timing is where the time of one export went.
type Timing struct{ Decode, Queue, Judge time.Duration }

// Stage takes exports, has them judged, and answers. Safe for concurrent use.
type Stage struct {
	opt      Options
	advance  func(now int64) // of the Judge; nil: it has none
	places   chan struct{}
	decoders chan *decoder
	queue    chan *job
	calls    chan func()
	rewiring sync.Mutex
	bytes    atomic.Int64
	counters counters
	jobs     sync.Pool
	turn     turn // of the goroutine of the Judge

	draining chan struct{} // closed: no more exports are taken
	stop     chan struct{} // closed: nothing more is judged
	stopped  chan struct{} // closed: the goroutine has ended
	once     sync.Once
	last     sync.Once
	pending  sync.WaitGroup
	gate     sync.RWMutex // held for reading while pending grows
}

// NewStage starts a Stage, which has one goroutine until [Stage.Drain] has ended. It
// panics without a Judge.
func NewStage(o Options) *Stage {
	if o.Judge == nil {
		panic("otlp: a Stage needs a Judge")
	}
	if o.MaxPending <= 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.RetryDelay <= 0 {
		o.RetryDelay = DefaultRetryDelay
	}
	st := &Stage{
		opt: o, places: make(chan struct{}, o.MaxPending), queue: make(chan *job, o.MaxPending), calls: make(chan func()),
		decoders: make(chan *decoder, runtime.GOMAXPROCS(0)),
		draining: make(chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	st.turn.st = st
	if a, ok := o.Judge.(interface{ Advance(now int64) }); ok {
		st.advance = a.Advance
	}
	for range cap(st.decoders) {
		st.decoders <- newDecoder(o.Wire)
	}
	go st.run()
	return st
}

// SetWire changes Options.Wire, for exports that are decoded from now on: rules that
// were loaded again may look at other attributes.
func (st *Stage) SetWire(opt otlp.Options) {
	// With all decoders in hand nobody has an old one; two callers would each wait for
	// the other's.
	st.rewiring.Lock()
	defer st.rewiring.Unlock()
	for range cap(st.decoders) {
		<-st.decoders
	}
	for range cap(st.decoders) {
		st.decoders <- newDecoder(opt)
	}
}

// Answer is what an acknowledged export is told.
type Answer struct {
	Spans    int    // judged
	Rejected int    // for good: they break OTLP's rules
	Reason   string // of the first that was rejected
}

// Export takes one ExportTraceServiceRequest (or TracesData) and returns when its
// spans have been judged. msg is not kept. The error is a *Refusal, or that of ctx
// when it ended before the export's turn: nothing was judged then.
//
// It takes no place: [Stage.Admit] does, or whoever bounds the callers otherwise.
func (st *Stage) Export(ctx context.Context, msg []byte) (Answer, error) {
	if err := st.enter(); err != nil {
		return Answer{}, err
	}
	defer st.pending.Done()
	start := time.Now()
	j, held, err := st.decode(ctx, msg)
	defer func() { st.bytes.Add(-held) }()
	if err != nil {
		return Answer{}, err
	}
	decoded := time.Now()
	if err := st.await(ctx, j); err != nil {
		return Answer{}, err
	}
	a := Answer{Spans: len(j.items), Rejected: j.rejected, Reason: j.reason}
	if st.opt.Timed != nil {
		st.opt.Timed(Timing{Decode: decoded.Sub(start), Queue: j.begun.Sub(decoded), Judge: j.ended.Sub(j.begun)})
	}
	st.recycle(j)
	return a, nil
}

// enter counts the export as pending, unless the stage is draining.
func (st *Stage) enter() error {
	st.gate.RLock()
	defer st.gate.RUnlock()
	select {
	case <-st.draining:
		return st.refuse(ReasonDraining)
	default:
		st.pending.Add(1)
		return nil
	}
}

// decode walks msg. held is what it holds of MaxBytes, also with an error.
func (st *Stage) decode(ctx context.Context, msg []byte) (j *job, held int64, err error) {
	if !st.hold(&held, int64(len(msg))) {
		return nil, held, st.refuse(ReasonBytes)
	}
	var d *decoder
	select {
	case d = <-st.decoders:
	case <-ctx.Done():
		return nil, held, st.gaveUp(ctx)
	}
	j = st.job()
	err = d.decode(j, msg)
	st.decoders <- d
	if err != nil {
		st.counters.malformed.Add(1)
		st.recycle(j)
		return nil, held, &Refusal{Reason: ReasonMalformed, Msg: err.Error()}
	}
	if !st.hold(&held, j.size()) {
		st.recycle(j)
		return nil, held, st.refuse(ReasonBytes)
	}
	return j, held, nil
}

// hold takes n more bytes, if they fit or all that is in flight is this export.
func (st *Stage) hold(held *int64, n int64) bool {
	if total := st.bytes.Add(n); total > st.opt.MaxBytes && total != *held+n {
		st.bytes.Add(-n)
		return false
	}
	*held += n
	return true
}

// await queues j and waits for its turn to end.
func (st *Stage) await(ctx context.Context, j *job) error {
	select {
	case st.queue <- j:
	case <-ctx.Done():
		st.recycle(j)
		return st.gaveUp(ctx)
	case <-st.stopped:
		return st.refuse(ReasonDraining)
	}
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		if j.state.CompareAndSwap(queued, abandoned) {
			return st.gaveUp(ctx) // the judge will pass over it
		}
	case <-st.stopped:
		if j.state.CompareAndSwap(queued, abandoned) {
			return st.refuse(ReasonDraining)
		}
	}
	<-j.done
	return nil
}

func (st *Stage) gaveUp(ctx context.Context) error {
	st.counters.abandoned.Add(1)
	return context.Cause(ctx)
}

// errStopped is what Do says after the end.
var errStopped = errors.New("otlp: the stage has been drained")

// Do runs f in the goroutine of the Judge, between two exports, and returns when it
// has run. Exports wait meanwhile: f should not take long, see [Stage.Meanwhile].
func (st *Stage) Do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case st.calls <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-st.stopped:
		return errStopped
	}
}

// Meanwhile runs g beside the goroutine of the Judge, which goes on judging exports
// until g has ended. Only a function that [Stage.Do] runs may call it: for what waits
// for others, a network or a disk. Other calls of Do wait until that function ends.
func (st *Stage) Meanwhile(g func()) {
	done := make(chan struct{})
	go func() { defer close(done); g() }()
	for {
		select {
		case <-done:
			return
		case j := <-st.queue:
			st.turn.take(j)
		}
	}
}

// breath is how long Between waits for an export. A goroutine that yields instead keeps
// the network from its turn on one core.
const breath = 100 * time.Microsecond

// Between calls step again and again, in the goroutine of the Judge, until it says that
// no more is to be done, and judges an export after each call when one waits: for what
// takes long and can be done in small parts. Only a function that [Stage.Do] runs may
// call it.
func (st *Stage) Between(step func() (more bool)) {
	t := time.NewTimer(breath)
	defer t.Stop()
	for step() {
		t.Reset(breath)
		select {
		case <-t.C:
		case j := <-st.queue:
			st.turn.take(j)
		}
	}
}

// Drain takes no more exports, waits until those in flight are answered or ctx
// ends, and stops. Exports that are left then are told to come again, which is an
// error of Drain. After it the Judge is the caller's. It may be called again, and
// from several goroutines.
func (st *Stage) Drain(ctx context.Context) error {
	st.once.Do(func() {
		st.gate.Lock()
		close(st.draining)
		st.gate.Unlock()
	})
	idle := make(chan struct{})
	go func() { st.pending.Wait(); close(idle) }()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	st.last.Do(func() { close(st.stop) })
	<-st.stopped
	<-idle
	return err
}

// run owns the Judge.
func (st *Stage) run() {
	defer close(st.stopped)
	for {
		select {
		case <-st.stop: // before what waits
			return
		default:
		}
		select {
		case <-st.stop:
			return
		case f := <-st.calls:
			f()
		case j := <-st.queue:
			st.turn.take(j)
		}
	}
}

// job is one export in the stage.
type job struct {
	items        []item
	attrs        []live.Attribute
	rejected     int
	reason       string
	state        atomic.Uint32
	done         chan struct{} // one send when judged
	begun, ended time.Time
}

const (
	queued uint32 = iota
	judging
	abandoned
)

// item is one span, and where it lies in the message.
type item struct {
	span           live.Span
	rs, scope, raw []byte
}

// reject counts a span that breaks OTLP's rules. Another error is the message's.
func (j *job) reject(err error) error {
	broken := (*otlp.FieldError)(nil)
	if !errors.As(err, &broken) {
		return err
	}
	if j.rejected++; j.reason == "" {
		j.reason = broken.Error()
	}
	return nil
}

// itemSize is about what an item takes, in bytes.
const itemSize = 264

func (j *job) size() int64 { return int64(len(j.items)) * itemSize }

func (st *Stage) job() *job {
	if j, ok := st.jobs.Get().(*job); ok {
		return j
	}
	return &job{done: make(chan struct{}, 1)}
}

// recycle gives back a job that nobody else has. What a giant left is not kept.
func (st *Stage) recycle(j *job) {
	if cap(j.items) > 4096 || cap(j.attrs) > 1<<14 {
		return
	}
	clear(j.items)
	clear(j.attrs)
	*j = job{items: j.items[:0], attrs: j.attrs[:0], done: j.done}
	st.jobs.Put(j)
}

// decoder reads exports; one goroutine at a time has it.
type decoder struct {
	wire *otlp.Wire
	meta otlp.Meta
}

func newDecoder(opt otlp.Options) *decoder { return &decoder{wire: otlp.NewWire(opt)} }

// decode fills j from msg. An error says that msg as a whole is malformed.
func (d *decoder) decode(j *job, msg []byte) error {
	return otlp.EachResourceSpans(msg, func(rs []byte) error {
		err := d.wire.Reset(rs)
		if broken := (*otlp.FieldError)(nil); errors.As(err, &broken) {
			return errors.New("resource: " + broken.Error())
		}
		for err == nil {
			err = d.next(j, rs)
		}
		if err == io.EOF {
			return nil
		}
		return err
	})
}

func (d *decoder) next(j *job, rs []byte) error {
	n := len(j.items)
	j.items = append(j.items, item{})
	it := &j.items[n]
	if err := d.wire.Next(&it.span.Span, &d.meta); err != nil {
		j.items = j.items[:n]
		return j.reject(err)
	}
	it.span.SpanKind, it.span.Status = live.SpanKind(d.meta.Kind), live.Status(d.meta.Status)
	it.rs, it.scope, it.raw = rs, d.meta.Scope, d.meta.Raw
	if len(d.meta.Attributes) > 0 {
		from := len(j.attrs)
		for _, a := range d.meta.Attributes {
			j.attrs = append(j.attrs, live.Attribute(a))
		}
		it.span.Attributes = j.attrs[from:len(j.attrs):len(j.attrs)]
	}
	return nil
}
