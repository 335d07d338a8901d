# A resource-bound service whose resources nobody knows, or that has no request or
# limit to change, gets replicas instead, and the decision says why. One that is at its
# greatest size already does, too.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
targets:
- {target: deployment/vm, services: [vm]}
- {target: deployment/full, services: [full], cpu: {max: 1000m}}
rules:
- name: auto
  match: {}
  when: {latency: 300ms, times: 5, within: 30s}
  then: {horizontal: {step: 2}, vertical: {cpu: {percent: 50%}}}
----
ok

resources deployment/full main cpu=1000/1000
----

tick 0s
----

trace from=0s n=1200 every=100ms
vm::get 50ms server unsampled
----

trace from=0s n=1200 every=100ms
full::get 50ms server unsampled
----

tick 2m
----

trace from=120s n=300 every=100ms
vm::get 400ms server
----

trace from=120s n=300 every=100ms
full::get 400ms server
----

tick 150s
----
2m30s acted: deployment/full up 1 -> 3: rule auto: latency > 300ms, 5 times within 30s; full 297 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on full::get (self time 400ms, normally 50.362ms); cpu-bound: self time grew at the same load (arrivals x0.99, in flight x7.89, self time x7.94); no request or limit of it would change: more replicas instead
2m30s acted: deployment/vm up 1 -> 3: rule auto: latency > 300ms, 5 times within 30s; vm 297 spans, needs 5 over 300ms (median 400ms, max 400ms); 64 of 64 blamed on vm::get (self time 400ms, normally 50.362ms); cpu-bound: self time grew at the same load (arrivals x0.99, in flight x7.89, self time x7.94); its resources are not known: more replicas instead
