package hst

// RaceEnabled is for the tests of package hst_test.
const RaceEnabled = raceEnabled
