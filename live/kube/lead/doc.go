// Package lead lets one of several replicas act on a cluster.
//
// A lease says who leads, but not that the last leader has stopped: a process that
// was suspended still believes what it knew. So there are two Leases:
//
//  1. [Elector.Run] competes for the first one, with client-go's leader election. A
//     replica that cannot renew it stops acting before another may start;
//  2. the second one, NAME-acts, holds the last actions as an annotation. A leader
//     writes an action there before it is carried out ([Elector.Record]), provided
//     that nobody has written since it last read: the API server decides between two
//     that both believe to lead, and the loser acts not at all;
//  3. whoever becomes leader reads the second Lease, and so knows what its guards have
//     to remember of the time before.
//
// It needs get, create and update on leases in its own namespace, and nothing else.
package lead
