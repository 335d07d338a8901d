// Package tracesamplers holds the samplers of the literature that judge a whole
// trace at once, and the adapter that lets them compete with span samplers.
//
// Its opinion: a published sampler is compared by its published algorithm, on the
// same spans, under the same measures; and where a paper leaves a choice open the
// choice is written down, because it is often what decides. What they optimise is
// the diversity of the kept traces, most of them by structure alone. A span that is
// slow in an ordinary trace is not what they look for, so a low average precision on
// latency anomalies says what they were not built to do; see the measures of
// diversity in package eval for what they were.
//
// The pipeline is a batch of two passes, because a [trace.Sampler] must answer at
// once and these cannot:
//
//  1. [Run] gathers the spans of each trace until a wait, counted in span time from
//     its first span, is over, or the buffer is full;
//  2. each [Sampler] observes the gathered [Trace]: it scores it by the traces
//     before, decides, and learns it. All of them are online algorithms, so this is
//     test-then-train throughout; there is no frozen mode;
//  3. every span is given its trace's decision, late spans too, and the columns are
//     aligned with the rows of the source, as eval.Run's are. A span is then judged
//     with the knowledge of the spans of its trace that came after it: that is the
//     advantage of tail sampling, and its price is the wait.
//
// The samplers are
//
//   - [Latency], the OpenTelemetry Collector's policy: the duration of the trace;
//   - [Sieve]: path vectors in a robust random cut forest, attention from the
//     variance of recent scores;
//   - [TraceMesh]: path vectors, sketched, in the evolving clusters of DenStream;
//   - [Sifter]: how badly a low-dimensional model predicts the calls of a path;
//   - [Weighted]: equal weight to the branches of a hierarchical clustering.
//
// They read structure and durations, never labels: a [Trace] has none.
package tracesamplers
