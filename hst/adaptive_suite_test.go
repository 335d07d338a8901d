package hst_test

import (
	"testing"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/hst"
	"github.com/scale-eval/scale-eval/hst/samplertest"
)

// TestAdaptiveConforms runs the suite that every sampler passes, in every mode.
func TestAdaptiveConforms(t *testing.T) {
	for mode, target := range map[hst.ThresholdMode]float64{
		hst.ThresholdFPR: 0.001, hst.ThresholdShare: 0.05, hst.ThresholdRate: 20, hst.ThresholdScore: 0.9,
	} {
		if hst.RaceEnabled && mode != hst.ThresholdFPR {
			continue // the modes differ in arithmetic alone
		}
		t.Run(mode.String(), func(t *testing.T) {
			cfg := hst.DefaultAdaptiveConfig(hst.NewSeed(7))
			cfg.Mode, cfg.Target = mode, target
			samplertest.Run(t, func() trace.Sampler {
				a, err := hst.NewAdaptive(cfg)
				if err != nil {
					t.Fatal(err)
				}
				return a
			}, samplertest.Options{
				// Not DurationOnly: past a plateau the score falls. TestSurpriseRises says
				// where it must not.
				AllocFree: true,
				Restore: func(snapshot []byte) (trace.Sampler, error) {
					return hst.RestoreAdaptive(snapshot, nil, 1<<24)
				},
			})
		})
	}
}
