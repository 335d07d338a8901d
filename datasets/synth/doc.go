// Package synth generates labelled spans of a multi-service system that does not
// exist, so that every part of the toolkit has input on a machine without data,
// at any size, with a truth that is known instead of guessed.
//
// Its opinion: a generator is only worth having when its labels mean something.
// Every anomaly is an excess that was added on purpose, every span knows how long
// it would have lasted without one, and for the variants A to F the best possible
// detector is known in closed form ([Oracle]), so a sampler is compared with a
// ceiling and not with a wish.
//
// A span comes about in these steps:
//
//  1. a [Config], usually a named [Variant], is checked ([Config.Validate]) and
//     becomes a system: calls with a self time each, the calls that they make, in
//     sequence or in parallel, some of them optional, and the classes of requests
//     with their weights. The system depends on SystemSeed only;
//  2. requests arrive as a Poisson process whose rate follows the time of day;
//  3. a request walks the call graph from its root. A span's self time is
//     log-normal, at some calls sometimes times a Pareto factor (ordinary
//     behaviour, labelled normal), and its location drifts slowly. A parent's
//     duration is what its children and its self time add up to, never drawn;
//  4. a share of the spans is made anomalous, see the Kind constants. An ancestor
//     of one that is not anomalous itself but lasts at least a tenth longer than it
//     would have is labelled [trace.Propagated]; one whose late child was hidden by
//     a slower sibling is normal;
//  5. the spans of the requests in flight are merged by the time they end, which
//     is the order in which a collector sees them.
//
// # Times
//
// The clock starts at [Epoch]. Children lie within their parent, and the duration
// of a span is its self time plus the union of its children. The stream is sorted
// by end time; at equal times a request that arrived earlier comes first, and
// within a request a child comes before its parent.
//
// # What is guaranteed
//
// The same Config gives the same spans, bit for bit, on every machine and with
// every version of Go: the generator draws from PCG (math/rand/v2, a fixed
// algorithm) through its own methods, computes with + - * / and square roots only,
// which IEEE 754 fixes, and rounds every product before it is added, so that no
// compiler fuses them. math.Exp and math.Log, which are assembly on some machines,
// are not used. [Oracle] scores are not covered: they use math.Erfc.
//
// Memory does not depend on the number of spans: it is the call graph and at most
// about [MaxInFlight] spans of requests that have not ended.
package synth
