package hst_test

import (
	"math"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/hst/samplertest"
)

// The paper's sampler keeps the rules of every sampler, in both encodings.
func TestSamplerSuite(t *testing.T) {
	for name, cfg := range map[string]hst.SamplerConfig{
		"paper":         {Encoding: hst.EncodingPaper},
		"fixed, frozen": {Encoding: hst.EncodingFixed, TrainSize: 1000},
	} {
		base := hst.DefaultSamplerConfig(hst.NewSeed(42))
		base.Encoding, base.TrainSize = cfg.Encoding, cfg.TrainSize
		t.Run(name, func(t *testing.T) {
			samplertest.Run(t, func() trace.Sampler {
				s, err := hst.NewSampler(base)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}, samplertest.Options{
				AllocFree: true,
				Restore: func(b []byte) (trace.Sampler, error) {
					return hst.RestoreSampler(b, nil, math.MaxInt64)
				},
			})
		})
	}
}
