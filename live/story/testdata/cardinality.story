# At most three calls are tracked; the rest share one and are counted. Rules do not
# match the overflow call.
rules
version: 1
settings: {trace_wait: 0s, max_calls: 3}
rules:
- {name: slow, when: {latency: 300ms, times: 1, within: 30s}, then: {horizontal: {step: 1}}}
----
ok

tick 0s
----

trace from=1s
a::1 10ms server
----

trace from=1s
a::2 10ms server
----

trace from=1s
a::3 10ms server
----

trace from=1s n=5 every=10ms
a::4 900ms server
----

tick 5s
----

stats
----
::(overflow) count 5, 0.1/s, p99 910ms, baseline unknown, self unknown, cusum 0.0
a::1 count 1, 0.02/s, p99 9.9ms, baseline unknown, self unknown, cusum 0.0
a::2 count 1, 0.02/s, p99 9.9ms, baseline unknown, self unknown, cusum 0.0
a::3 count 1, 0.02/s, p99 9.9ms, baseline unknown, self unknown, cusum 0.0

counters
----
spans 8
sampled 8
overflow 5
ticks 2
traces_closed 8
calls 4
