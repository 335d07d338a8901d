// Package live is the control loop of scale-eval: spans in, scale actions out.
// The simulator and live mode drive the same [Pipeline]; neither has a second
// implementation of anything in here.
//
// It does no I/O and reads no clock. Time is an argument, so a day of traffic is
// replayed in seconds and a decision can be repeated to the byte. The opinion
// behind it: an autoscaler that cannot say why it acted should not act. Every
// [Decision] carries the rule, the spans, the counts, the window and whatever it
// displaced, and goes to an audit log whether or not it was carried out.
//
// A span goes through [Pipeline.Span] like this:
//
//  1. it is admitted or refused with a reason that is counted ([Refusals]): an end
//     before its start, an end in the far future, older than any window;
//  2. its call is interned, at most MaxCalls of them; the rest share one call;
//  3. the sampler scores it; without a sampler every span counts as sampled;
//  4. it joins its trace in a bounded buffer, where a second copy is noticed;
//  5. the statistics of its call and its service move;
//  6. who watches its call for rules notes it. Rules that look at the same spans share
//     a watcher, and a span is put down once for all of them. A span that breaks nothing
//     is noted once a call, and counted by the watchers of that call in batches.
//
// A tick, [Pipeline.Tick], goes like this:
//
//  1. traces that have been quiet for TraceWait are closed, and teach the self time
//     that is normal for each call;
//  2. every rule is evaluated over its windows, on the spans' own end times;
//  3. blame moves an action from the slow caller to the service whose self time
//     explains it, and the kind of bottleneck picks horizontal or vertical;
//  4. actions of one target are conflated into one: up beats down, then priority,
//     evidence, horizontal, size and name ([conflate] states it). While a rule fires on
//     a target, held or not, nothing makes it smaller;
//  5. the target's guards apply: schedule and bounds, stabilisation, cooldown, rate
//     limits. What they changed or held is part of the decision;
//  6. the [Orchestrator] is told, and the audit log gets one JSON line a decision.
//
// # Time
//
// All times are integer nanoseconds since the Unix epoch. A window counts spans by
// when they ended, not by when they arrived, and is exact to the nanosecond. Spans
// come late (SDK and collector batches), so a count rule looks at every window that
// ended at most Lateness ago; a span later than that may still count, but nobody
// promises it. Clocks differ, so an end up to Skew ahead of the pipeline's own time
// counts as if it were now, and a child whose clock puts it outside its parent is
// moved inside before self times are taken.
//
// Silence is not health: when no span was admitted for SilenceAfter, every action
// is held, and the decision says so.
//
// # Restarts and reloads
//
// [Pipeline.Snapshot] is the whole state as bytes, and [Restore] goes on as if nothing
// had happened. Windows belong to what a rule watches for, not to its name: over a
// restart and over [Pipeline.SetRules] they go to the rule that watches for the same.
//
// # Memory
//
// O(calls + spans inside windows + trace buffer), never O(stream). Each part has a
// stated cap ([Settings]) and a counter for what did not fit ([Counters]).
//
// A Pipeline is not safe for concurrent use.
package live
