// Package gtrace reads and writes the span CSV of the GTrace data sets (Xie et al.,
// WWW 2023), raw or labelled:
//
//	traceIdHigh,traceIdLow,spanId,parentSpanId,serviceName,operationName,status,startTime,nanosecond,duration,DBhash
//
// and, when labelled, nodeLatencyLabel (of the span), graphLatencyLabel and
// graphStructureLabel (of the trace, repeated on each row). Its opinion: what the
// data set's own reader leaves out is left out here too, but counted.
//
//  1. [Open] takes one CSV file, or a folder or archive of them (raw/*.csv); it
//     finds the id maps id_manager/{service,operation}_id.yml beside or above
//     each file, in the same folder or archive;
//  2. files are read in sorted order (an archive's in its own), train.csv and
//     val.csv before all others and test.csv last;
//  3. rows with DBhash != 0 are dropped, as the data set's own reader does; a
//     service or operation that is a number no id map knows keeps the number as
//     its name; [Stats] counts both;
//  4. durations are ms and become ns exactly; startTime has no zone, [Options]
//     names one.
//
// Columns may stand in any order. The status column is not read, nor its id map: a
// [trace.Span] has no status.
package gtrace
