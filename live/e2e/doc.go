// Package e2e proves live mode against the real programs that it works with: the
// OpenTelemetry Collector and its load generators, etcd, the Kubernetes API server,
// its controllers and scheduler, and KWOK, whose nodes run pods of no code. None of
// them is changed, and a machine needs nothing but Go.
//
// The tests have the build tag e2e, because they take minutes: "make e2e" runs them.
// What they stand on is here:
//
//  1. [Builder] builds each peer from modules at pinned versions, peers/*/go.mod, into
//     a cache, and does so again only when a pin changed;
//  2. [Run] starts processes in a folder of its own, and ends them and removes the
//     folder, whether the test passes, fails or is interrupted. The kernel ends them
//     when the test is killed (Linux), and the next run removes its folder;
//  3. [StartCluster] starts a Kubernetes control plane on loopback, with free ports,
//     random tokens, and nodes of KWOK;
//  4. the tests drive load through the Collector into "scale-eval live", and look at
//     what the cluster, the audit logs and the counters say.
//
// Everything listens on 127.0.0.1 only.
package e2e
