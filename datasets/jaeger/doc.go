// Package jaeger reads Jaeger's JSON: what the UI's "Download JSON" and the query
// service's /api/traces give, {"data": [{"spans": […], "processes": {…}}, …]}.
//
// Its opinion: a trace is the unit, because processes (the services) stand behind
// the spans that refer to them, but a trace is also the most that is ever held.
//
//  1. [Decoder] walks to the array data with json.Decoder and takes one trace at a
//     time, at most [Options].MaxTrace bytes of it;
//  2. each span is checked on its own, so that a malformed one is a *trace.RowError
//     and its siblings are not lost; the service is the name of its process;
//  3. ids are hex of any length up to 16 and 8 bytes (Jaeger leaves leading zeros
//     out), times are integer microseconds. The parent is the first CHILD_OF
//     reference within the trace, else the first FOLLOWS_FROM, else parentSpanID;
//  4. [Files] strings the files of an archive or folder together, and tallies the
//     members that are not JSON instead of tripping over them.
package jaeger
