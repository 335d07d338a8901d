package hst

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// A snapshot of a Sampler is, little-endian:
//
//	"HSTS", u16 version
//	u8 encoding, f64 min_score, i64 train_size
//	u8 1 and the service and operation of the first call as bytes, or
//	u8 0 and its bare number, u32
//	the snapshot of its Line or Forest as bytes: the other parameters
//	32 bytes SHA-256 of all before
const (
	samplerMagic   = "HSTS"
	samplerVersion = 1
)

// Snapshot is the whole state of the sampler as bytes. One restored from it
// continues bit for bit, on any machine, from any span on. The error, which other
// samplers need, is always nil.
func (s *Sampler) Snapshot() ([]byte, error) {
	le := binary.LittleEndian
	b := le.AppendUint16([]byte(samplerMagic), samplerVersion)
	b = append(b, byte(s.cfg.Encoding))
	b = le.AppendUint64(b, math.Float64bits(s.cfg.MinScore))
	b = le.AppendUint64(b, uint64(s.cfg.TrainSize))
	b = s.appendCall(b)
	model := s.model()
	b = le.AppendUint32(b, uint32(len(model)))
	return seal(append(b, model...)), nil
}

// appendCall writes the first call: by name where there is one and it matters. The
// overflow call has the same number in every table.
func (s *Sampler) appendCall(b []byte) []byte {
	c := s.cfg.Calls
	if s.line != nil || c == nil || s.firstCall == trace.OverflowCall || int(s.firstCall) >= c.Len() {
		return binary.LittleEndian.AppendUint32(append(b, 0), uint32(s.firstCall))
	}
	b = appendString(append(b, 1), c.Service(s.firstCall))
	return appendString(b, c.Operation(s.firstCall))
}

func (s *Sampler) model() []byte {
	if s.line != nil {
		return s.line.Snapshot()
	}
	return s.forest.Snapshot()
}

// RestoreSampler is the sampler that Snapshot was called on. calls becomes
// SamplerConfig.Calls; a snapshot that names its first call needs it, and gives the
// call a number in it if it has none. It refuses a model of more than maxBytes,
// see [RestoreForest] and [RestoreLine]. Every error wraps [ErrSnapshot].
func RestoreSampler(snapshot []byte, calls *trace.Calls, maxBytes int64) (*Sampler, error) {
	body, err := unseal(snapshot, samplerMagic, samplerVersion)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	d := &decoder{rest: body}
	s := &Sampler{cfg: SamplerConfig{Calls: calls}}
	s.cfg.Encoding = Encoding(d.uint8())
	s.cfg.MinScore = d.float64()
	s.cfg.TrainSize = int64(d.uint64())
	s.restoreCall(d)
	model := d.take(d.count(1))
	if d.err == nil && len(d.rest) > 0 {
		d.err = fmt.Errorf("%d bytes too long", len(d.rest))
	}
	if d.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, d.err)
	}
	if err := s.restoreModel(model, maxBytes); err != nil {
		return nil, err
	}
	return s, nil
}

// restoreCall reads the first call, as a number or a name.
func (s *Sampler) restoreCall(d *decoder) {
	if d.uint8() == 0 {
		s.firstCall = trace.Call(d.uint32())
		return
	}
	service, operation := d.string(), d.string()
	switch {
	case d.err != nil:
	case s.cfg.Calls == nil:
		d.err = errors.New("it names its first call: restoring it takes a table of calls")
	default:
		s.firstCall = s.cfg.Calls.Of(service, operation)
	}
}

// restoreModel restores the Line or Forest and takes the parameters from it.
func (s *Sampler) restoreModel(model []byte, maxBytes int64) error {
	var cfg Config
	if s.cfg.Encoding == EncodingPaper {
		l, err := RestoreLine(model, maxBytes)
		if err != nil {
			return err
		}
		s.line, cfg, s.learned = l, l.trees.cfg, l.Learned()
	} else {
		f, err := RestoreForest(model, maxBytes)
		if err != nil {
			return err
		}
		s.use(f)
		cfg, s.learned = f.cfg, int64(f.Learned())
	}
	s.cfg.NTree, s.cfg.Height, s.cfg.WindowSize, s.cfg.Seed = cfg.Trees, cfg.Height, cfg.Window, cfg.Seed
	s.cfg.MaxDuration = cfg.Limits[durationFeature][1]
	if err := s.cfg.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if !s.fits(cfg) {
		return fmt.Errorf("%w: its model is not that of a sampler", ErrSnapshot)
	}
	return nil
}

// fits says whether a restored model has the features and limits of a sampler's.
func (s *Sampler) fits(cfg Config) bool {
	var features []string
	if s.line != nil {
		if s.line.trees.on != 1 {
			return false
		}
		features = s.line.trees.features
	} else {
		features = s.forest.features
	}
	return len(features) == 2 && features[0] == keyFeature && features[1] == durationFeature &&
		len(cfg.Limits) == 1 && cfg.Limits[durationFeature] == [2]float64{0, s.cfg.MaxDuration} && cfg.Variant == VariantRiver
}
