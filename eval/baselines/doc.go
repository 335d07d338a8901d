// Package baselines holds the samplers that any trace sampler has to beat, one
// policy a file, each a [trace.Sampler].
//
// Its opinion: a duration threshold is a strong opponent, and a sampler that is
// not compared with one has not been evaluated. They go from knowing nothing to
// knowing each call's own distribution:
//
//  1. [Random] knows nothing: head sampling at a rate;
//  2. [Static] is one threshold on raw duration, for all calls;
//  3. [Ratio] compares a duration with the median of its own call;
//  4. [Quantile] asks how rare a duration is within its own call.
//
// Beside these four stand what is deployed and what is easy to build, so that
// nobody has to take a claim on trust:
//
//  5. [TraceIDRatio], [Probabilistic] and [HashSeed] are the head samplers of
//     OpenTelemetry, which keep whole traces by their id; [RateLimit] is a token
//     bucket. They read no duration;
//  6. [Sketch] compares a duration with its call's p95 or p99, as alert rules do;
//  7. [Welford] and [EWMA] are z-scores of ln(duration) a call, the first of all
//     training spans, the second of moving averages that do not learn anomalies.
//
// Each learns the training part through Learn and leaves its cut-off to
// eval.Cut, which chooses it on the training part alone; the Threshold fields are
// for use outside of an evaluation.
//
// Models a call are kept in slices indexed by [trace.Call], grown on demand, so
// memory is bounded by the maximum of the trace.Calls table that numbered the spans.
package baselines
