# A zone is lost and only two of five replicas are ready. The service is slow at the
# same load, as one that lacks CPU; but the missing replicas come first.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
rules:
- name: auto
  match: {service: jvm}
  when: {latency: 300ms, times: 5, within: 30s}
  then: {horizontal: {step: 2}, vertical: {cpu: {percent: 50%}, memory: {percent: 100%}}}
----
ok

resources service/jvm main cpu=500/1000 memory=256/512
----

tick 0s
----

trace from=0s n=1200 every=100ms
jvm::get 50ms server unsampled
----

tick 121s
----

replicas service/jvm 5 ready=2
----

trace from=121s n=300 every=100ms
jvm::get 400ms server
----

tick 152s
----
2m32s held (missing): service/jvm stays: rule auto: latency > 300ms, 5 times within 30s; jvm 293 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); cpu-bound: self time grew at the same load (arrivals x0.97, in flight x7.63, self time x7.94); 2 of 5 replicas are ready: those come before larger ones

# They are back, and it is as slow as before.
replicas service/jvm 5
----

tick 153s
----
2m33s acted: service/jvm up cpu.request 500m -> 750m cpu.limit 1000m -> 1500m: rule auto: latency > 300ms, 5 times within 30s; jvm 283 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); cpu-bound: self time grew at the same load (arrivals x0.97, in flight x7.63, self time x7.94)

# Metrics say that its CPU is idle: more of it would not help.
usage jvm at=154s cpu=0.2
----

tick 154s
----
2m34s held (elsewhere): service/jvm stays: rule auto: latency > 300ms, 5 times within 30s; jvm 273 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); not its own: self time grew, but CPU is at 20 % of its limit and its workers are not known to be busy (arrivals x0.97, in flight x7.63, self time x7.94); scaling it would not help

# All of its workers are busy while its CPU is idle: they wait for something, and more
# of them can wait at once.
usage jvm at=155s cpu=0.2 busy=1
----

tick 155s
----
2m35s acted: service/jvm up 5 -> 7: rule auto: latency > 300ms, 5 times within 30s; jvm 263 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); load-bound: 100 % of its workers are busy, its CPU is not (arrivals x0.87, in flight x7.04, self time x7.94)

# A replica that is out of memory is killed again and again and never ready: there,
# memory comes first.
usage jvm at=156s cpu=0.2 memory=0.97
----

replicas service/jvm 7 ready=1
----

tick 156s
----
2m36s acted: service/jvm up memory.request 256Mi -> 512Mi memory.limit 512Mi -> 1024Mi: rule auto: latency > 300ms, 5 times within 30s; jvm 253 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); memory-bound: memory at 97 % of its limit (arrivals x0.87, in flight x7.04, self time x7.94)
