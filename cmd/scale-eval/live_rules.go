package main

import (
	"context"
	"os"
	"time"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/rulefile"
)

// readRuleSet reads the rule file; without one there are no rules. dry makes every
// action a dry run, whatever the file says.
func readRuleSet(path string, dry bool) (live.RuleSet, error) {
	set := live.RuleSet{Settings: live.DefaultSettings()}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return set, err
		}
		if set, err = rulefile.Parse(path, text); err != nil {
			return set, err
		}
	}
	set.Settings.DryRun = set.Settings.DryRun || dry
	return set, nil
}

// watchEvery is how often the rule file's time and size are looked at. A mounted
// ConfigMap changes by a swapped link, which file notifications miss.
const watchEvery = 2 * time.Second

// watchRules calls reload on each signal, and when the file has changed.
func watchRules(ctx context.Context, path string, hup <-chan os.Signal, reload func()) {
	if path == "" {
		return
	}
	last := fileStamp(path)
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		case <-ticks.C:
			if now := fileStamp(path); now == last || now == "" { // a file that is being replaced is not there
				continue
			}
		}
		last = fileStamp(path)
		reload()
	}
}

func fileStamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return info.ModTime().String() + " " + time.Duration(info.Size()).String()
}
