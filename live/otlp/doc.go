// Package otlp is the receiving end of live mode: OTLP over gRPC and HTTP in,
// decisions and sampled spans out.
//
// Its opinion: an acknowledgement is a promise. An export is acknowledged when each
// of its spans has been judged, and either is sampled or counted with a reason
// ([Counters] adds up). What is not acknowledged the sender keeps, so a full queue,
// a full memory and a restart lose nothing; and nothing that waits is held without
// a bound.
//
//  1. A place is taken before the message is read ([Stage.Admit]); without one, or
//     above the memory limit, the sender is told Unavailable with RetryInfo (HTTP
//     503 with Retry-After). Exports in flight are bounded in number and in bytes;
//  2. the message is walked, not decoded (datasets/otlp.Wire), on the sender's own
//     goroutine, at most one a core at a time. One that is no protobuf is refused
//     for good; a span that breaks OTLP's rules is rejected as partial success,
//     which senders do not repeat;
//  3. exports queue for the one goroutine that owns the [Judge], a sampler or a
//     live.Pipeline. A sender that gives up while it waits is taken out of the queue,
//     because it will come again. [Stage.Do] runs ticks and snapshots there, too;
//  4. spans that are kept are cut out of the message, whole, under their resource
//     and scope, and offered to each [Output], which never blocks: the hub of
//     live/stream, a [Forwarder];
//  5. [Stage.Drain] takes no more, answers what waits, and ends inside a bound.
package otlp
