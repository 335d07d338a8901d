package experiment

import (
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/live"
)

// Setup is what SCALE begins a run with, and hands on to a live one. The zero value is
// the case's own rules and an untrained model that nobody keeps.
type Setup struct {
	// Rules take the place of the case's; nil: they do not.
	Rules *live.RuleSet
	// Played gets the rules of the run before it begins. nil: nobody does.
	Played func(live.RuleSet)
	// Model is the snapshot of a trained model, which learns no more; nil: an untrained
	// one.
	Model []byte
	// Trained gets a snapshot when the case's fault begins: by then the model knows what
	// is ordinary, and nothing else. nil: nobody does.
	Trained func(snapshot []byte)
}

// maxModel is the largest model that is restored, bytes.
const maxModel = 1 << 30

// model gives the sampler of a run its model, over the calls of the pipeline: a
// snapshot has their names. kept is the share of ordinary spans that a new one keeps.
func (s *Setup) model(e *Env, kept float64, to *trained, calls *trace.Calls) error {
	cfg, err := samplerConfig(e.Seed, kept)
	if err != nil {
		return err
	}
	cfg.Calls = calls
	sampler, err := hst.NewAdaptive(cfg)
	if s.Model != nil {
		sampler, err = hst.RestoreAdaptive(s.Model, calls, maxModel)
		to.until = 0
	}
	if err != nil {
		return err
	}
	to.Sampler = sampler
	if s.Trained != nil {
		from, _ := e.Case.fault()
		e.System.Clock().At(from, after(func() {
			snapshot, err := sampler.Snapshot()
			if err != nil {
				e.Cluster.Failed(err)
				return
			}
			s.Trained(snapshot)
		}), 0)
	}
	return nil
}
