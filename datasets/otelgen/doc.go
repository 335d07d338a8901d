// Package otelgen captures spans from a live sender: otelgen, an SDK, or a
// Collector that exports over OTLP/gRPC.
//
// Its opinion: a sender believes what it is told, so an export is acknowledged
// when its spans are in the sink and not before, and whatever else happens is told
// in the codes that OTLP senders retry on.
//
//  1. [Capture] serves the trace service on a listener. An Export call takes one of
//     a bounded number of places before its message is decoded; without a place
//     it is answered ResourceExhausted with RetryInfo;
//  2. calls take turns: one at a time converts its spans (package otlp) and hands
//     them to the sink, which makes capture order well defined and needs no locks;
//  3. spans that break OTLP's rules are rejected for good, as partial success; an
//     export that the sink refuses is answered Unavailable, and the capture ends;
//  4. after the wanted number of spans, or when the context ends, no call is
//     taken any more, and those that wait are answered, then Capture returns.
//
// A sender that loses the connection before it sees the answer sends again: a
// capture is at-least-once, and datasets.Options.DropDuplicates removes the rest.
//
// otelgen names its services in span attributes: set Options.ServiceAttr to
// "service.name" for its scenarios microservices, web_mobile and eventing.
package otelgen
