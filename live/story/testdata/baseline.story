# Three times what is normal for the call itself. Checkout normally takes 200 ms and
# ping 2 ms: one rule fits both, where no absolute threshold would.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: triple
  when: {baseline: {multiple: 3, quantile: 50%, min_spans: 50}, times: 5, within: 1m}
  by: call
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=1s n=100 every=100ms
web::checkout 200ms server unsampled
----

trace from=1s n=100 every=100ms
web::ping 2ms server unsampled
----

tick 15s
----

# Checkout at 500 ms is within three times normal; ping at 20 ms is ten times.
trace from=16s n=10 every=500ms
web::checkout 500ms server
----

trace from=16s n=10 every=500ms
web::ping 20ms server
----

tick 25s
----
25s acted: service/web up 1 -> 2: rule triple: latency > 3 x its p50, 5 times within 1m0s; web::ping 10 spans, needs 5 over 5.996454ms (median 20ms, max 20ms); 10 of 10 blamed on web::ping (self time 20ms, normally 1.999ms)

# Ping's baseline did not learn the fault: the sampler kept those spans.
stats
----
web::ping count 110, 0.7/s, p99 20ms, baseline 2ms, self 2ms, cusum 0.0
web::checkout count 110, 0.7/s, p99 500ms, baseline 200ms, self 200ms, cusum 0.0
