# Requests and limits, within bounds, the request never above the limit.
rules
version: 1
settings: {trace_wait: 0s}
targets:
- target: deployment/shop/cache
  services: [cache]
  container: server
  memory: {max: 1Gi}
rules:
- name: cache-slow
  match: {service: cache}
  when: {latency: 10ms, times: 2, within: 10s}
  then: {vertical: {cpu: {percent: 50%}, memory: {step: 256Mi}}}
----
ok

resources deployment/shop/cache sidecar cpu=50/100 memory=64/64
----

resources deployment/shop/cache server cpu=200/400 memory=512/896
----

tick 0s
----

trace from=1s n=2 every=1s
cache::get 30ms server
----

tick 5s
----
5s acted: deployment/shop/cache up cpu.request 200m -> 300m cpu.limit 400m -> 600m memory.request 512Mi -> 768Mi memory.limit 896Mi -> 1024Mi: rule cache-slow: latency > 10ms, 2 times within 10s; cache 2 spans, needs 2 over 10ms (median 30ms, max 30ms); 2 of 2 blamed on cache::get (self time 30ms, normally 0s)

# A second time: memory is at its bound, only CPU changes further.
tick 6s
----
6s acted: deployment/shop/cache up cpu.request 300m -> 450m cpu.limit 600m -> 900m memory.request 768Mi -> 1024Mi: rule cache-slow: latency > 10ms, 2 times within 10s; cache 2 spans, needs 2 over 10ms (median 30ms, max 30ms); 2 of 2 blamed on cache::get (self time 30ms, normally 0s)
