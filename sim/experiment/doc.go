// Package experiment compares autoscalers on scenarios: the same requests, the same
// faults, different decisions.
//
// Its opinion: a comparison is worth as much as its baselines and its error bars.
// So every policy sees the cluster through the same API and the same late metrics,
// plays on the same random numbers, and has the same knowledge of the services; and
// a difference is called one only when its interval, corrected for how many were
// looked at, leaves zero out.
//
//  1. a [Case] is a scenario: a system with its faults, objectives and bounds;
//  2. a load test of it ([Case.Calibrate]) tells what one pod can do, as an operator
//     would find out before setting targets; it also finds the oracle's demand;
//  3. a [Policy] is started on the cluster of one run ([Env]): SCALE is the
//     production sampler, pipeline and Kubernetes orchestrator, the baselines are
//     those of package policy, none and oracle are the bounds;
//  4. [Run] simulates one case under one policy with one seed and gives its
//     [Measures], and a [Timeline] and an event log if asked;
//  5. a [Plan] runs cases x policies x seeds on all cores. Finished runs go to a
//     record, so an interrupted plan continues where it was;
//  6. package measure reduces them to means, paired differences with 95 % intervals
//     and Holm's correction; reports read its plain types.
//
// Nothing here reads a clock or draws a global random number; two runs of one case,
// policy and seed give the same bytes.
package experiment
