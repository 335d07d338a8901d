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
// [Forest] is the general model, over vectors of named features that may be missing.
// [River] wraps one with River's conventions for maps. [VariantTan2011] is the
// published algorithm instead of River's reading of it. [Line] is the same model on
// one number, to the last bit, as a table lookup; [Batch] runs it over whole columns
// on all cores; [Sampler] is the SCALE paper's sampler on top of them.
//
// # Speed and memory
//
// Nanoseconds a span with two features (a one-hot key, mostly missing, and a
// log-normal duration), Window 250, one core of an Intel Xeon (AVX-512, KVM), Go 1.26,
// the best of several runs; no call allocates. River 0.22 learn and score on the same
// kind of machine, for comparison, in microseconds:
//
//	trees/height   learn+score   score   memory     River 0.22
//	10/8                  280      200   0.12 MB    68-78 µs
//	25/15                2800      740     39 MB     4003 µs
//	50/10                2850     1500    2.5 MB      586 µs
//
// A [Line], on a duration alone (the same kind of machine; frozen scores, and learn
// and score at three windows):
//
//	trees/height   score   W=250   W=1000   W=5000   River 0.22, W=250
//	10/8             3.6      26       17       16   68-78 µs
//	25/15            3.7      73       30       20   4003 µs
//	50/10            3.6     110       40       20    586 µs
//
// Run "go test -run=^$ -bench='Forest|Line' ./hst", or "scale-eval bench sampler", for
// yours.
//
// The memory of a Forest is 24 bytes a node, Trees * (2^(Height+1) - 1) nodes, and
// never grows. Closing a window costs nothing: nodes carry the number of the window
// that they last counted in.
//
// # The same bits everywhere
//
// Every product that feeds a sum is wrapped in float64(), which the language defines
// as an explicit rounding. Without it a compiler may fuse x*y + z into one instruction
// with one rounding, as it does for arm64 and for GOAMD64=v3, and the trees would
// differ between machines. A division by two counts as a product: it is compiled as
// one. Comparisons of a value with a threshold round nothing. Mass sums are integers
// of at most 2^53 ([Config.Validate] sees to that), so their order does not matter.
package hst
