// Package ops is what an operator sees and needs of a live process: state that
// survives it, metrics, and whether it is alive and ready.
//
//  1. A [Store] keeps the [State] of a process, the model and the whole pipeline, in
//     one file that appears whole or not at all, with a checksum. A full disk leaves
//     the last good one;
//  2. a [View] is what the goroutine that judges publishes after each tick, for
//     everyone else to read;
//  3. [Metrics] turns views and counters into Prometheus metrics; [Health] answers
//     /healthz (is the judge alive) and /readyz (is there a model, and is it not
//     draining).
package ops
