package hst

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// A snapshot of an Adaptive is, little-endian:
//
//	"HSTA", u16 version
//	u8 mode, f64 target, i64 RelearnAfter ns, u32 InFlight
//	the snapshot of its Line as bytes: trees, height, window, seed
//	u64 learned, the operating point, the group of all calls
//	u32 services: name as bytes, its group
//	u32 calls: u8 1, service and operation as bytes, or u8 0 and the bare number, u32;
//	the call's model
//	u32 parents in flight
//	the memo
//	32 bytes SHA-256 of all before
//
// Structures are written field after field, see the fields functions: one list for
// writing and reading, so that they cannot differ.
const (
	adaptiveMagic   = "HSTA"
	adaptiveVersion = 3 // 1 knew no plateaus, 2 other cells of a tail
)

// Snapshot is the whole state of the sampler as bytes. One restored from it
// continues bit for bit, on any machine, from any span on. Calls are kept by name
// if the configuration has a table. Its size is 1.1 kB a call and 0.4 kB a service
// and at most 32 bytes an InFlight. The error is always nil.
func (a *Adaptive) Snapshot() ([]byte, error) {
	le := binary.LittleEndian
	b := le.AppendUint16([]byte(adaptiveMagic), adaptiveVersion)
	b = append(b, byte(a.cfg.Mode))
	b = le.AppendUint64(b, math.Float64bits(a.cfg.Target))
	b = le.AppendUint64(b, uint64(a.cfg.RelearnAfter))
	b = le.AppendUint32(b, uint32(a.cfg.InFlight))
	b = appendString(b, string(a.score.line.Snapshot()))
	w := &fieldWriter{b}
	w.int64(&a.learned)
	a.point.fields(w)
	a.all.fields(w, allPrior)
	a.writeServices(w)
	a.writeCalls(w)
	a.flight.write(w)
	a.memo.fields(w)
	return seal(w.b), nil
}

func (a *Adaptive) writeServices(w *fieldWriter) {
	names := make([]string, len(a.groups))
	for name, n := range a.services {
		names[n] = name
	}
	w.b = binary.LittleEndian.AppendUint32(w.b, uint32(len(names)))
	for n, name := range names {
		w.b = appendString(w.b, name)
		a.groups[n].fields(w, tailPrior)
	}
}

func (a *Adaptive) writeCalls(w *fieldWriter) {
	n := uint32(0)
	for i := range a.calls {
		if a.calls[i].learned > 0 {
			n++
		}
	}
	w.b = binary.LittleEndian.AppendUint32(w.b, n)
	for i := range a.calls {
		if a.calls[i].learned > 0 {
			w.b = appendCallName(w.b, a.cfg.Calls, trace.Call(i))
			a.calls[i].fields(w)
		}
	}
}

// appendCallName writes a call by name where there is one. The overflow call has the
// same number in every table.
func appendCallName(b []byte, calls *trace.Calls, id trace.Call) []byte {
	if calls == nil || id == trace.OverflowCall || int(id) >= calls.Len() {
		return binary.LittleEndian.AppendUint32(append(b, 0), uint32(id))
	}
	b = appendString(append(b, 1), calls.Service(id))
	return appendString(b, calls.Operation(id))
}

// RestoreAdaptive is the sampler that Snapshot was called on. calls becomes
// AdaptiveConfig.Calls; a snapshot with names needs it, and gives a call a number in
// it if it has none. Calls that do not fit the table are forgotten: their spans
// come as the overflow call. It refuses what would take more than maxBytes. Every
// error wraps [ErrSnapshot].
func RestoreAdaptive(snapshot []byte, calls *trace.Calls, maxBytes int64) (*Adaptive, error) {
	a, err := restoreAdaptive(snapshot, calls, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return a, nil
}

func restoreAdaptive(snapshot []byte, calls *trace.Calls, maxBytes int64) (*Adaptive, error) {
	body, err := unseal(snapshot, adaptiveMagic, adaptiveVersion)
	if err != nil {
		return nil, err
	}
	d := &decoder{rest: body}
	a, err := restoreEmpty(d, calls, maxBytes)
	if err != nil {
		return nil, err
	}
	r := &fieldReader{d}
	r.int64(&a.learned)
	a.point.fields(r)
	a.all.fields(r, allPrior)
	a.readServices(r)
	a.readCalls(r, maxBytes)
	a.flight.read(r)
	a.memo.fields(r)
	if d.err == nil && len(d.rest) > 0 {
		d.err = fmt.Errorf("%d bytes too long", len(d.rest))
	}
	return a, d.err
}

// restoreEmpty reads the configuration and the trees.
func restoreEmpty(d *decoder, calls *trace.Calls, maxBytes int64) (*Adaptive, error) {
	cfg := AdaptiveConfig{Calls: calls, Mode: ThresholdMode(d.uint8()), Target: d.float64(),
		RelearnAfter: time.Duration(d.uint64()), InFlight: int(d.uint32())}
	model := d.take(d.count(1))
	if d.err != nil {
		return nil, d.err
	}
	if need := int64(cfg.InFlight) * 2 * flightBytes; need > maxBytes {
		return nil, fmt.Errorf("its %d parents in flight take up to %d bytes, more than the %d allowed", cfg.InFlight, need, maxBytes)
	}
	line, err := RestoreLine(model, maxBytes)
	if err != nil {
		return nil, err
	}
	forest := line.trees.cfg
	cfg.Trees, cfg.Height, cfg.Window, cfg.Seed = forest.Trees, forest.Height, forest.Window, forest.Seed
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !isSurpriseLine(line) {
		return nil, errors.New("its trees are not those of this sampler")
	}
	if line.Ready() {
		line.table.raise(typical)
	}
	return &Adaptive{cfg: cfg, services: map[string]int32{}, score: surpriseScale{line}, flight: newFlight(cfg.InFlight)}, nil
}

func isSurpriseLine(l *Line) bool {
	c, f := l.trees.cfg, l.trees.features
	return len(f) == 1 && f[0] == surpriseFeature && len(c.Limits) == 1 &&
		c.Limits[surpriseFeature] == [2]float64{0, surpriseLimit} && c.Variant == VariantRiver
}

func (a *Adaptive) readServices(r *fieldReader) {
	for range r.d.count(4) {
		name := r.d.string()
		if _, twice := a.services[name]; twice && r.d.err == nil {
			r.d.err = fmt.Errorf("service %q is in it twice", clip(name, 40))
		}
		if r.d.err != nil {
			return
		}
		a.groups[a.addService(name)].fields(r, tailPrior)
	}
}

func (a *Adaptive) readCalls(r *fieldReader, maxBytes int64) {
	for range r.d.count(1) {
		id, fits := r.callName(a.cfg.Calls)
		var c callModel
		c.fields(r)
		if r.d.err == nil {
			r.d.err = c.check(len(a.groups))
		}
		if need := (int64(id) + 1) * callBytes; r.d.err == nil && need > maxBytes {
			r.d.err = fmt.Errorf("call %d takes %d bytes, more than the %d allowed", id, need, maxBytes)
		}
		if r.d.err != nil {
			return
		}
		for int(id) >= len(a.calls) {
			a.calls = append(a.calls, callModel{})
		}
		if fits {
			a.calls[id] = c
		}
	}
}

// callName reads what appendCallName writes; fits is false when the table is full.
func (r *fieldReader) callName(calls *trace.Calls) (id trace.Call, fits bool) {
	if r.d.uint8() == 0 {
		return trace.Call(r.d.uint32()), true
	}
	service, operation := r.d.string(), r.d.string()
	if r.d.err == nil && calls == nil {
		r.d.err = errors.New("it names its calls: restoring it takes a table of calls")
	}
	if r.d.err != nil {
		return 0, false
	}
	id = calls.Of(service, operation)
	return id, id != trace.OverflowCall
}
