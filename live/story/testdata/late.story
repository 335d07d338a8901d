# Windows are about when spans ended, not when they came. These three arrive fifteen
# seconds late, and in no order, after the window of ten seconds that they were in.
rules
version: 1
settings: {lateness: 20s, trace_wait: 0s, skew: 5s}
rules:
- name: burst
  match: {service: cart}
  when: {latency: 500ms, times: 3, within: 10s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=9s late=16s
cart::/add 700ms server
----

trace from=1s late=17s
cart::/add 700ms server
----

trace from=5s late=15s
cart::/add 700ms server
----

tick 5s until=40s every=5s
----
30s acted: service/cart up 1 -> 2: rule burst: latency > 500ms, 3 times within 10s; cart 3 spans, needs 3 over 500ms (median 700ms, max 700ms); 3 of 3 blamed on cart::/add (self time 700ms, normally 0s)

# Later than lateness and window together is refused, and so is a span whose end lies
# further ahead than clocks may differ.
trace from=1s late=41s
cart::/add 700ms server
----

trace from=60s early=17s
cart::/add 700ms server
----

tick 45s
----
1 refused: live: the span ends further ahead of the pipeline's time than the skew setting allows
1 refused: live: the span ended before every window began

counters
----
spans 5
future 1
late 1
sampled 3
breaches 3
ticks 10
traces_closed 3
acted 1
calls 2
