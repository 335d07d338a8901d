package live

// Refusals counts the spans that Pipeline.Span did not admit, by reason.
type Refusals struct {
	Negative  int64 `json:"negative"`  // ended before it started, or start + duration overflows
	Future    int64 `json:"future"`    // ended more than Skew ahead of the last tick
	Late      int64 `json:"late"`      // ended before every window began
	Duplicate int64 `json:"duplicate"` // same trace and span id while the trace is buffered
}

// Total is the sum.
func (r Refusals) Total() int64 { return r.Negative + r.Future + r.Late + r.Duplicate }

// Counters is what a Pipeline has seen and done since it was made. They only grow,
// but for the gauges at the end.
type Counters struct {
	Spans    int64    `json:"spans"` // given to Pipeline.Span
	Refused  Refusals `json:"refused"`
	Sampled  int64    `json:"sampled"`
	WarmUp   int64    `json:"warm_up"`   // admitted while the sampler was not ready
	Clipped  int64    `json:"clipped"`   // admitted with a name longer than MaxName
	Overflow int64    `json:"overflow"`  // admitted to the overflow call
	Untraced int64    `json:"untraced"`  // zero trace or span id: counted, never blamed
	Breaches int64    `json:"breaches"`  // spans over a rule's threshold, a rule each
	Unproven int64    `json:"unproven"`  // observed by a baseline rule before it had a baseline
	Ticks    int64    `json:"ticks"`     // calls of Tick
	Backward int64    `json:"backwards"` // ticks whose time was before the last one's

	TracesClosed     int64 `json:"traces_closed"`
	TracesIncomplete int64 `json:"traces_incomplete"` // closed with a parent missing
	TracesEvicted    int64 `json:"traces_evicted"`    // closed early for room
	SpansUnbuffered  int64 `json:"spans_unbuffered"`  // beyond MaxTraceSpans of a trace
	WindowDropped    int64 `json:"window_dropped"`    // breaches forgotten for MaxWindow

	Acted  int64 `json:"acted"`
	DryRun int64 `json:"dry_run"`
	Held   int64 `json:"held"`
	Failed int64 `json:"failed"`

	AuditErrors int64 `json:"audit_errors"`

	OpenTraces    int `json:"open_traces"`    // gauge
	BufferedSpans int `json:"buffered_spans"` // gauge
	Calls         int `json:"calls"`          // gauge, the overflow call included
}
