// Package trace holds the few types that every room of scale-eval shares: a
// [Span], the [Call] it belongs to, its [Label], the [Decision] of a [Sampler],
// and a [Source] of spans.
//
// It is a leaf: standard library only, no I/O, no clock. The path of a span
// through the toolkit is
//
//  1. a loader decodes bytes into a Span, or into a [RowError] that says which
//     row and field it could not read; the [Bad] tally keeps both the count and
//     the first positions;
//  2. [Calls] turns its service and operation names into a small dense number,
//     the Call; past a stated maximum every new name shares [OverflowCall];
//  3. a Sampler scores it: [Sampler.Sample] returns a Decision, [Sampler.Learn]
//     updates the model. They are apart so that training, test-then-train and a
//     frozen model are all explicit at the place that calls them;
//  4. the label, which no sampler may read, is compared with the decision.
package trace
