// Package samplertest is the conformance suite of [trace.Sampler]: what a run, a
// simulation and a live pipeline take for granted of every sampler.
//
// Its opinion: a sampler that reads the label, remembers a span it was lent or
// answers NaN on a duration of 2^63-1 is broken however good its F1 is. The suite
// checks, each in a subtest:
//
//  1. the same seed gives the same decisions;
//  2. spans are neither modified nor kept, and Label and Kind are not read;
//  3. Sample does not train;
//  4. any duration, start and id gives a score that is not NaN, unless the sampler
//     says that it is warming up; so do calls that were never learned, and the
//     very first span;
//  5. a million operations through a bounded [trace.Calls] table leave memory
//     bounded, and the overflow counted;
//  6. no goroutine is left behind;
//  7. what the [Options] claim: scores that never fall as the duration grows,
//     samples without allocation, snapshots that continue identically.
//
// The checks are plain functions that return an error, so the suite is itself
// tested against samplers that break each rule.
package samplertest
