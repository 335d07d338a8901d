// Package stream gives sampled spans to subscribers over gRPC, and follows such a
// stream from another process: the two calls of the SCALE paper's sampler.
//
// Its opinion: the sampler owes nothing to whoever listens. A subscriber has a
// buffer, and when that is full it misses spans, and is told how many and where.
//
//  1. A [Hub] is an output of a live/otlp.Stage. It hands each batch to every
//     subscriber's buffer, which takes a lock and no copy;
//  2. each subscriber's call sends what waits, several batches in one message, as
//     fast as its peer reads; a gap goes out just before the spans that followed it;
//  3. [Follow] subscribes, comes back when the line breaks, and gives each message to
//     a function, such as Stage.Export of a processor.
//
// What is sampled while a follower is away is not kept for it.
package stream
