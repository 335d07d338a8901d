//go:build race

package experiment

// raceEnabled shortens tests that are long only because of the detector: there is
// one goroutine here.
const raceEnabled = true
