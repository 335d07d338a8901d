// Package e2e proves live mode against the real programs that it works with: the
// OpenTelemetry Collector and its load generators, etcd, the Kubernetes API server,
// its controllers and scheduler, KWOK, whose nodes run pods of no code, and Tempo. None
// of them is changed, and a machine needs nothing but Go.
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
//
// # Faults
//
// Live mode promises that a span which was acknowledged was judged and is counted once,
// and that an action is taken once, whatever breaks. Each fault has tests that assert
// both, except where only one of them is at stake (a lease: actions; malformed OTLP:
// spans; files on a disk: that they stay whole). Those of this package have the peers for
// real.
//
//	Tempo is down at start, and in the middle of an answer    TestTempo; cmd/scale-eval TestLiveTrains; live/tempo TestDownMidTraining
//	API server: 409, 429, 500, 503, cut off, no answer        cmd/scale-eval TestLiveKubeFaults, TestLiveKubeSlow
//	API server killed and started again                       TestServerRestarts
//	lease lost                                                TestLeaderSuspended; live/kube/lead TestOneActs, TestSuspendedLeader
//	kill -9 of what acts, restart                             TestProcessorKilled; cmd/scale-eval TestLiveKilled
//	kill -9 of what samples, restart from its snapshot        TestSamplerKilled
//	the Collector connects again                              TestSamplerKilled; live/otlp TestReconnects
//	a subscriber is stuck                                     live/stream TestStuckSubscriberHoldsNothingUp
//	the clock jumps                                           live/otlp TestClockJump
//	the disk is full: snapshot, journal, audit log            cmd/scale-eval TestLiveDiskFull; live/ops TestStore
//	the disk hangs                                            live/ops TestSavingNeverWaits
//	ten times the load for a minute                           live/otlp TestOverload
//	a million operation names                                 live/otlp TestNames
//	malformed OTLP                                            live/otlp TestHostileSenders, FuzzExport
//	a rule file with errors                                   cmd/scale-eval TestLiveReload
//
// What a killed sampler judged after its last snapshot was acknowledged and streamed,
// and is in no window or counter of the next process; what it streams while its
// processor is not connected is missed there. LIMITS.md says so.
package e2e
