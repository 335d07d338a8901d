// Package twin makes a topology of package sim out of recorded traces, to ask of a
// system what it would do: with twice the load, with one service slower, with other
// rules.
//
// Its opinion: a twin that is not checked on minutes it has not seen is a drawing.
// So a fit reports how well each part describes the data, [Compare] holds its
// predictions to other recordings, and it says beside each error what the quantiles
// of the fitted minutes themselves would have been off by.
//
// [Read] collects a recording, and [Recording.Split] parts it into minutes to fit and
// minutes to check. [Fit] goes like this:
//
//  1. spans become trees, a trace each; children that mostly outlive their parents
//     are calls that nobody waits for;
//  2. the children of a span become stages: those that overlap by more than half of
//     the shorter one run in parallel, the others one after the other;
//  3. spans of one call with the same stages took the same course; an operation is
//     the courses that were seen, with their frequencies, so that what is called
//     together stays together;
//  4. the self time of a span, what its stages do not explain, gets a distribution a
//     course: the empirical one, or a lognormal that fits it (Kolmogorov-Smirnov);
//  5. what makes several spans of a trace slow at once becomes a few factors a trace,
//     and loadings on them a call (a Gaussian copula: the distributions stay);
//  6. the roots of traces are the arrivals: rate, variation of the gaps, index of
//     dispersion.
//
// [Model.Topology] puts these together, [Model.Predict] simulates them.
//
// # What traces do not tell
//
// How many cores a service has, and which part of its self time it spent waiting for
// them, is not in the spans. Unless [WhatIf] says how many, each request has a core of
// its own, and more load makes nothing slower. The factors are all that ties self times to each other: what is slow in
// one minute and not in the next is spread over all of them.
package twin
