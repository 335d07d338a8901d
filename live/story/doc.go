// Package story runs scripted scenarios against the control loop: spans in, clock
// ticks, and the decisions that must come out, with their reasons. A rule file is
// tested with stories before it meets production, and this repository tests the
// loop with the same ones.
//
// A story is a text file of blocks: a command, its input, a line of four dashes,
// and what the command must print, up to an empty line. Lines that begin with # are
// prose. [Run]
//
//  1. reads the blocks ([Read]);
//  2. carries out each command on a [live.Pipeline] with a [live.Ledger] behind it;
//  3. compares what was printed, and can write the story anew with what was.
//
// The commands:
//
//	rules [NAME]               the input is a rule file; starts the pipeline, or
//	                           replaces its rules
//	replicas TARGET N [ready=M]
//	                           the target has N replicas, all or M of them ready
//	slow TARGET                what is done to the target takes effect when the story
//	                           says so with replicas; otherwise at once
//	resources TARGET CONTAINER cpu=REQUEST/LIMIT memory=REQUEST/LIMIT
//	                           the container's milli-cores and MiB
//	owned TARGET               an autoscaler owns the target: scaling it is refused
//	broken TARGET              the orchestrator fails for the target
//	backend NAME KIND          targets of the kind go to a backend of their own, those
//	                           of other kinds to none; before the rules
//	trace from=T [n=N] [every=D] [wait=D] [late=D | early=D]
//	                           the input is a tree of spans, see below; repeated n
//	                           times, every D; each arrives when it ends, or later,
//	                           or, when its clock is ahead, earlier; with wait, the
//	                           second span of each copy (the first, if alone) waits
//	                           D longer than in the copy before, as in a queue
//	tick T [until=T every=D]   spans arrive and time passes; prints refusals and
//	                           decisions
//	restart                    a new pipeline continues from a snapshot of the old one
//	usage SERVICE at=T [cpu=P] [memory=P] [throttled=P] [busy=P]
//	clock RFC3339              what 0s means; the default is a Monday, 00:00 UTC
//	counters | stats | told | audit
//	                           print what was counted, learned, what backends and a
//	                           log beside them were told, what was logged
//
// A span of a trace is a line: service::operation, duration[@offset from the start
// of the trace], a kind, and words: unsampled, error, orphan (its parent is lost),
// key=value attributes. Indentation by two spaces makes it a child.
package story
