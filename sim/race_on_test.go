//go:build race

package sim

// raceEnabled shortens tests that are long only because of the detector: there is
// one goroutine here.
const raceEnabled = true
