// Package tempo reads training spans from Grafana Tempo's HTTP API.
//
// Its opinion: one search that selects the two names a sampler needs is worth a
// hundred traces by id, so search first and fetch by id only what the search left
// out. A Fetch goes like this:
//
//  1. the time range is walked from its end back in windows (training.Slices),
//     because search has no paging and says nothing of what a limit cut off;
//  2. each window is one GET /api/search with the query and "| select(…)"; traces
//     whose start is outside the window are dropped: some versions return them, and
//     the neighbouring window has them;
//  3. a trace with more matches than the answer has spans is fetched whole, by id,
//     as protobuf, at most Concurrency at a time: /api/v2/traces first, which says
//     when a trace is partial, /api/traces where that does not exist;
//  4. ids without leading zeros are padded, 64-bit numbers are taken as strings or
//     numbers, and a span that cannot be read is counted.
//
// Ends later than now - 40 s are for the caller to avoid (training.Job.Delay): Tempo
// hides newer data, and some versions answer 400.
package tempo
