//go:build race

package scenario

// raceDetector makes runs several times slower; the long ones are left to plain runs.
const raceDetector = true
