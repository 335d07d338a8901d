// Package indexed runs the shards of a plan as one Indexed Job of Kubernetes.
//
// Its opinion: Kubernetes starts, retries and counts pods well, and the storage alone
// says what is done. So nothing here waits, schedules or moves data:
//
//  1. [Spec.Manifest] is the Job: a completion index for each shard that is missing, each
//     pod "scale-eval work" on its own. An index has retries of its own and does not
//     take the others down; a pod that lost its node does not count as a try; one that
//     was called wrongly (exit code 2) is not tried again;
//  2. [Submit] creates it. One plan has one Job: while that is at work nothing is
//     submitted, and one that has ended makes room for the next, which does what is
//     still missing;
//  3. [Read] says what the Job knows of its pods, [Cancel] ends it. What shards wrote
//     stays, and a shard that two pods did is the same file twice.
package indexed
