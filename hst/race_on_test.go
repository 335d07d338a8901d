//go:build race

package hst

// raceEnabled says that the race detector slows this test run down tenfold.
const raceEnabled = true
