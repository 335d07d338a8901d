//go:build !race

package nezha_test

const raceDetector = false
