// Package conformance holds the HPA of package sim/policy to the real one: the
// controller of k8s.io/kubernetes, run in virtual time.
//
// Its opinion: a baseline read off a controller's source is a guess until both have
// seen the same histories. It is a module of its own, so that only those who run it
// build Kubernetes; `make conformance` does, N histories long. There is nothing to
// import: everything is in the tests.
//
//  1. a history is a seed: flags of the controller, an HPA, and pods, metrics and
//     edits from one decision to the next, plausible or absurd;
//  2. testing/synctest gives the real controller a clock that jumps; its clients are
//     fakes, its metrics client answers from the history, its pods come from the
//     informer's store;
//  3. a second before each decision the histories move on, and our HPA decides on
//     what it will see at the time of the decision;
//  4. a second after, what the real one wrote to the scale subresource (or that it
//     wrote nothing) must be the same. The first difference ends a history and
//     prints the seed that repeats it.
package conformance
