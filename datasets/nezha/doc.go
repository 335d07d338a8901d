// Package nezha reads the traces of the Nezha fault-injection data (Yu et al.,
// ESEC/FSE 2023; the TraStrainer data has the same form): the spans of a day and
// the list of faults that were injected while they were recorded.
//
// Its opinion: the files of a day are one stream. They are cut by the minute, each
// is grouped by trace, and neighbours repeat spans, so nothing can be said of an
// order or of a span before all are read. The [Decoder] therefore
//
//  1. reads every HH_MM_trace.csv and every …fault_list.json of its input (a
//     folder or an archive of one or more days) and passes other files over;
//  2. checks each row: ids, end >= start, and Duration = floor((end-start)/1000)
//     µs; start and end are the truth, a span's duration is their difference in ns;
//  3. drops repeated (TraceID, SpanID): exact copies are counted, a copy that says
//     something else is a bad row;
//  4. lets a [Labeller] label all spans by the faults, if it was given one;
//  5. yields the spans in the order in which they ended, ties by their ids.
//
// Beside rca_data, where the faults are, the data has construct_data: fault-free
// minutes to build models of. Its spans are given to the Labeller, to which they
// say what is normal, but are no part of the stream. (An input of nothing else is
// streamed.)
//
// The service of a span is its PodName without the last two dash parts, the
// ReplicaSet's hash and the pod's suffix.
//
// A fault's time is its inject_timestamp. inject_time is the same instant as text,
// but one minute off in some rows: [Decoder.Warnings] lists them.
package nezha
