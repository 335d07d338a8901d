package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// checkOwn runs the gate of this repository on its embedded dataset.
func checkOwn(args ...string) error {
	argv := append([]string{"scale-eval", "check", "--baseline", "../../.ci/baseline.json", "--no-time"}, args...)
	return run(context.Background(), argv, strings.NewReader(""), io.Discard, io.Discard)
}

// TestOwnGate holds the repository to its own baseline, shows that re-runs with other
// seeds pass, and that the regressions it is there for do not: half of the window, an
// encoding that takes all calls for one.
func TestOwnGate(t *testing.T) {
	if raceEnabled {
		t.Skip("runs without the race detector: testdata/check.txtar takes the same way on less data")
	}
	if err := checkOwn(); err != nil {
		t.Errorf("as it is: %v", err)
	}
	for i := range 2 {
		if err := checkOwn("--seed", strconv.Itoa(1000*(i+1))); err != nil {
			t.Errorf("other seeds: %v", err)
		}
	}
	for name, option := range map[string][]string{
		"window halved":   {"--window_size", "125"},
		"encoding broken": {"--max-calls", "1"},
	} {
		var gate gateError
		if err := checkOwn(option...); !errors.As(err, &gate) || exitCode(err) != exitGate {
			t.Errorf("%s passes: %v", name, err)
		}
	}
}
