// Package hst is Half-Space Trees: an ensemble of random binary trees over the
// feature space that says how little observed mass lies around a value. It
// reproduces the scores of River's implementation to the last bit, because a
// result that cannot be compared with the published one is worth little, and it
// does so fast, because a sampler that costs more than the span is no sampler.
//
// A span goes through it like this:
//
//  1. a [Config] and the features of the first observation fix all trees: CPython's
//     Mersenne Twister is part of the definition (mt19937.go, build.go);
//  2. each observation walks every tree from the root to a leaf, left where its
//     value is below the threshold, and adds one to the mass of each node it meets;
//  3. after Window observations the masses become the reference profile, and the
//     count starts again at zero;
//  4. the score of a value compares the reference mass along its path with the
//     largest possible: rarely visited cells give high scores.
//
// # Numbers
//
// Every product that feeds a sum or a comparison is wrapped in float64(), which
// the language defines as an explicit rounding: without it a compiler may fuse
// x*y + z into one instruction with one rounding, as it does on arm64, and trees
// would differ between machines. Mass sums are integers below 2^53 ([Config.Validate]
// sees to that), so the order of summation does not matter either.
package hst
