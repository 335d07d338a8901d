// Package loadgen sends OTLP exports as fast as a receiver takes them, or at a given
// rate, and says how long each took.
//
// Its opinion: a load generator must cost far less than what it loads, and keep to
// the protocol. So an export is a template whose ids and times are overwritten, and
// what is refused is sent again when the receiver said so, as the same export.
//
//  1. [New] lays out one export: some traces, spread over services, whose spans all
//     have the same size on the wire;
//  2. [Generator.Next] fills in ids and times: durations are log-normal around each
//     operation's own median, and one span of some traces is many times slower;
//  3. [Run] has workers send exports over connections, each one at a time, and counts
//     what was acknowledged, refused and failed.
package loadgen
