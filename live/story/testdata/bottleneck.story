# Equation 5: load-bound wants replicas. The load doubles and the service slows down.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
rules:
- name: auto
  match: {service: api}
  when: {latency: 300ms, times: 5, within: 30s}
  then: {horizontal: {step: 2}, vertical: {cpu: {percent: 50%}, memory: {percent: 100%}}}
----
ok

resources service/api main cpu=500/1000 memory=256/512
----

tick 0s
----

trace from=0s n=1200 every=100ms
api::get 50ms server unsampled
----

tick 2m
----

trace from=120s n=600 every=50ms
api::get 400ms server
----

tick 150s
----
2m30s acted: service/api up 1 -> 3: rule auto: latency > 300ms, 5 times within 30s; api 593 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on api::get (self time 400ms, normally 50.362ms); load-bound: load grew (arrivals x1.98, in flight x15.79, self time x7.94)

# Resource-bound: another service, the same load as ever, and yet slow.
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

trace from=151s n=1200 every=100ms
jvm::get 50ms server unsampled
----

tick 272s
----

trace from=273s n=300 every=100ms
jvm::get 400ms server
----

tick 303s
----
5m3s acted: service/jvm up cpu.request 500m -> 750m cpu.limit 1000m -> 1500m: rule auto: latency > 300ms, 5 times within 30s; jvm 297 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); cpu-bound: self time grew at the same load (arrivals x0.94, in flight x7.19, self time x7.94)

# Where metrics are given they are evidence, too: its memory is nearly full.
usage jvm at=303s memory=0.93 cpu=0.4
----

tick 304s
----
5m4s acted: service/jvm up memory.request 256Mi -> 512Mi memory.limit 512Mi -> 1024Mi: rule auto: latency > 300ms, 5 times within 30s; jvm 293 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on jvm::get (self time 400ms, normally 50.362ms); memory-bound: memory at 93 % of its limit (arrivals x0.94, in flight x7.19, self time x7.94)

# And with a fixed delay that is not its own, nothing that it could be given helps: the
# time is in a provider that sends no spans.
trace from=310s n=30 every=100ms
jvm::get 400ms server
  jvm::call 390ms@5ms client peer.service=bank
----

tick 335s
----
5m35s held (no-target): service bank: rule auto: latency > 300ms, 5 times within 30s; jvm 60 spans, needs 5 over 300ms (median 400ms, max 400ms); 60 of 60 blamed on bank (by jvm::call) (waiting for it 390ms, normally 0s); nothing is known that scales bank
