# A process that ends leaves a snapshot, and the next one continues where it was: two
# slow spans before and one after make three.
rules
version: 1
settings: {trace_wait: 5s}
targets:
- {target: deployment/cart, services: [cart], stabilise: {up: 20s}}
rules:
- name: cart
  match: {service: cart}
  when: {latency: 300ms, times: 3, within: 1m}
  then: {horizontal: {step: 2}}
  calm: {below: 50%, for: 1m, min_spans: 5, then: {horizontal: {step: 1}}}
----
ok

replicas deployment/cart 3
----

trace from=1s n=2 every=1s
cart::/add 400ms server
----

tick 0s until=4s every=1s
----

restart
----

trace from=5s
cart::/add 400ms server
----

# The trace is still open over the next restart, and what was wanted is remembered.
tick 6s until=12s every=6s
----
6s held (pending): deployment/cart stays: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); the traces of its spans are still open
12s held (stabilise): deployment/cart stays at 3, not 5: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on cart::/add (self time 400ms, normally 0s); not wanted for 20s yet

restart
----

tick 18s until=40s every=6s
----
18s held (stabilise): deployment/cart stays at 3, not 5: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on cart::/add (self time 400ms, normally 0s); not wanted for 20s yet
24s held (stabilise): deployment/cart stays at 3, not 5: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on cart::/add (self time 400ms, normally 0s); not wanted for 20s yet
30s acted: deployment/cart up 3 -> 5: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on cart::/add (self time 400ms, normally 0s)
36s held (no-change): deployment/cart stays at 5, not 7: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on cart::/add (self time 400ms, normally 0s); the mildest within stabilisation changes nothing

# Down for three minutes: nobody watched, so neither calm nor what was wanted counts
# from before. Calm begins anew with the first tick, not with the last one before.
trace from=44s n=8 every=1s
cart::/add 50ms server unsampled
----

tick 60s
----
1m0s acted: deployment/cart up 5 -> 7: rule cart: latency > 300ms, 3 times within 1m0s; cart 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on cart::/add (self time 400ms, normally 0s)

restart
----

trace from=239s n=100 every=1s
cart::/add 50ms server unsampled
----

tick 240s until=310s every=10s
----
5m0s acted: deployment/cart down 7 -> 6: rule cart: calm: nothing over 50 % of the threshold for 1m0s; cart 59 spans
5m10s acted: deployment/cart down 6 -> 5: rule cart: calm: nothing over 50 % of the threshold for 1m0s; cart 59 spans

counters
----
spans 82
sampled 3
breaches 3
ticks 20
traces_closed 77
acted 4
held 5
open_traces 5
buffered_spans 5
calls 2
