// Package otlp reads spans in the OpenTelemetry protocol's forms: JSON, protobuf
// files, the messages of OTLP/gRPC, and a CSV that was made from them.
//
// Its opinion: the four forms differ in how they spell an id and an integer and in
// nothing else, so each front end only fills a record, and one function decides
// what a valid span is. Attributes are most of the bytes and none of the result:
// they are stepped over, not decoded, unless one of them names the service.
//
//  1. JSON: [NewJSON] cuts a stream into ResourceSpans objects, whether it is one
//     request a line or one pretty-printed document, and reads spans from each;
//     Protobuf: [NewProto] finds out how messages are framed and does the same;
//     CSV: [NewCSV] takes a row a span; gRPC: a [Converter] takes decoded messages;
//  2. the service name is, in this order: the span attribute that
//     [Options].ServiceAttr names, the resource's service.name, the span's
//     service.name, the span's service_name, [UnknownService];
//  3. ids must have 16 and 8 bytes and not be zero (a zero or empty parent is a
//     root), the end must not lie before the start. A span that breaks a rule is a
//     *trace.RowError with line or message number; the stream goes on.
//
// Memory is bounded by [Options].MaxMessage, whatever the input holds.
package otlp
