// Package sim simulates a cluster of microservices on a virtual clock, so that
// autoscalers can be compared on the same requests: same arrivals, same service
// times, same faults, different decisions.
//
// Its opinion: a simulator that has not reproduced the closed forms of queueing
// theory measures its own mistakes, and one that draws fresh random numbers for
// each policy measures luck. So the theory is a test of this package, and every
// random quantity has a stream of its own, named after what it is for.
//
// A run goes like this:
//
//  1. a [Topology] names services, their operations and the calls between them,
//     nodes, and the clients; [New] checks all of it and builds a [System];
//  2. clients send requests (package traffic says when), open or closed;
//  3. a call picks a pod (load balancing), crosses the network, waits in a queue for
//     a thread, takes one of the operation's courses, computes on a CPU that it shares, waits without CPU, calls others,
//     one after another or at once, and answers; on its way it may be refused, time
//     out, be retried, or die with its pod;
//  4. each visit of a pod becomes a span with the true label of whatever fault was
//     injected, so a simulation is also a labelled dataset ([System.Spans]); an
//     [Exporter] hands the spans on as late as tracing does;
//  5. [MetricsServer] measures what a real one would, as late as it would, and the
//     autoscalers of package policy decide on that;
//  6. decisions change replicas or resources; pods are scheduled onto nodes, pull
//     their image, start, become ready, drain and crash, each in its own time.
//
// # Time and randomness
//
// Time is an integer number of nanoseconds since the start of the simulation;
// events at one instant fire in the order in which they were scheduled. Nothing
// reads a clock or a global random generator. Two runs of one topology with one
// seed do the same, to the byte of the event log.
//
// # What is not modelled
//
// CPUs have no caches and no frequency, networks no bandwidth, schedulers no
// priorities, images no layers, garbage collectors no pauses: a delay drawn from a
// distribution, or a slower CPU, stands for each of them.
package sim
