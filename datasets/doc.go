// Package datasets holds the Arrow form of a span and the ways in and out of it.
//
// Its opinion: every format becomes the same columns once, at the door, and
// nothing behind the door knows which format it was. A file takes these steps:
//
//  1. a [Decoder] (one package a format: gtrace, tracemesh, nezha, otlp, jaeger,
//     otelgen) turns bytes into one [trace.Span] at a time; what it cannot read
//     is a *[trace.RowError] with its position;
//  2. [NewReader] tallies those, drops or counts duplicate ids, and fills Arrow
//     record batches of [BatchRows] rows in [Schema];
//  3. Parquet skips both: [ParquetReader] copies pages into the same batches, and
//     reads only the [Columns] that were asked for;
//  4. [Spans] walks batches as a [trace.Source], reusing one Span, and interns
//     calls once a dictionary entry instead of once a span;
//  5. [WriteParquet] writes batches back, readable by DuckDB, pandas and pyarrow.
//
// # Schema
//
//	trace_id    fixed_size_binary(16)          big-endian, padded on the left
//	span_id     fixed_size_binary(8)
//	parent_id   fixed_size_binary(8), null     null: a root
//	service     dictionary<int32, utf8>
//	operation   dictionary<int32, utf8>        as in the data, not sanitised
//	start       timestamp[ns, UTC]
//	duration    int64                          ns
//	label       dictionary<int32, utf8>, null  normal, anomalous, candidate, propagated, guard
//	label_kind  dictionary<int32, utf8>, null  which shock or fault the label speaks of
package datasets
