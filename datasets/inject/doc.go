// Package inject gives spans a ground truth, in one of two ways that datasets
// without labels are evaluated by.
//
// Its opinion: the truth is made before any sampler looks, from nothing but the
// data, the options and a seed, and what the truth cannot know is left out of the
// score instead of being guessed.
//
// # Track A: injected shocks
//
// How the SCALE paper was evaluated, rebuilt from its authors' published per-span
// results. A [trace.Source] goes through these steps, each usable alone:
//
//  1. [Filter] keeps spans with duration < MaxDuration;
//  2. [Options.Plan] turns the number of kept spans into counts: the first
//     floor(n x Train) train, the rest test, and floor(Fraction x test or train)
//     of the test spans are shocked;
//  3. [Apply] chooses exactly that many test spans uniformly without replacement,
//     gives them the duration (d + Bump) x f and the label Anomalous, and labels
//     every other span Normal.
//
// The choice is Knuth's selection sampling (The Art of Computer Programming,
// volume 2, 3.4.2, Algorithm S): one pass, O(1) memory at any size. It needs the
// number of spans, so a source that does not know it is counted first ([Count]).
//
// # Track B: real faults
//
// [TrackB] labels the spans of a day from the list of faults that were injected
// into the system while it was traced (the Nezha data).
//
//  1. A span belongs to the time it ended in: to a fault's window, [At, At+180 s);
//     to its guard band, up to At+420 s (cpu faults: At+480 s), or to fault-free
//     time. By its end and not its start, because a request under way when a fault
//     begins is slowed too, because its end is when a sampler sees it, and because
//     each window then is one contiguous part of the stream.
//  2. The fault-free durations of each call (service and operation as in the data)
//     give its median and its 99th percentile.
//  3. A span in a window is a candidate when the fault can show in it:
//     network_delay in the callers' spans; cpu_* in the target's own and in the
//     callers'; return and exception in none, they are negative controls. A
//     caller's span belongs to another service and has a child in the target.
//  4. A candidate is positive when it is longer than its own call's p99, known
//     from at least 100 samples.
//  5. A span that is longer than its call's p99, but would not be without the
//     excess of the positive spans below it, is propagated (see [TrackB.Label]).
//     So is one above a positive span whose own p99 is not known.
//
// Such labels lean on the observed duration, which flatters samplers of durations.
// That is why Candidate and Kind are kept: recall over all candidates, and the
// false-positive rate over fault-free time (Normal and no Kind), do not lean on it.
package inject
