// Package shards evaluates one sampler on data of any size, in parts that add up.
//
// Its opinion: a cluster should do what one process does, and the file system should
// say how far it is. Scores of adaptive are not independent by call: calls borrow from
// their service, share a threshold and explain each other within a trace. What is
// independent, once the model is trained and frozen, is the order of time. So the test
// part is cut into runs of consecutive spans, and each shard reads its own files only:
//
//  1. [Cut] divides the test part at marks that a census left, into a [Plan] that all
//     shards agree on; the trained sampler stands beside it as a snapshot;
//  2. [Work] scores one shard. It begins some spans early and does not count them,
//     so that children before the cut explain their parents behind it;
//  3. what it found is an [eval.Tally], the traces it saw ([Traces]) and the flagged
//     spans, in a [Store]: each whole or not there, so that any shard may run
//     again, anywhere, at any time;
//  4. [Store.Collect] adds the tallies up. They are counts, so the sum is the same for any
//     number of shards; it also says if a trace reached further back than step 2.
//
// Other commands (compare, simulate, tune) are divided by what they compute, not by
// time: a [Division] lists units that do not need one another, a shard writes the results
// of its share of them as one file ([Store.WritePart]), and [Store.ReadParts] has them
// all in the order of the plan, whatever the number of shards. What a unit and a result
// are is the command's to say.
package shards
