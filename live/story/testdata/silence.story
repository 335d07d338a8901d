# Silence is not health. When the last span is a minute old every action is held,
# here one that a window of five minutes still wants.
rules
version: 1
settings: {trace_wait: 0s, silence_after: 1m}
rules:
- name: cart
  match: {service: cart}
  when: {latency: 300ms, times: 1, within: 5m}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=1s
cart::/add 400ms server
----

tick 15s until=90s every=15s
----
15s acted: service/cart up 1 -> 2: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)
30s acted: service/cart up 2 -> 3: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)
45s acted: service/cart up 3 -> 4: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)
1m0s acted: service/cart up 4 -> 5: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)
1m15s held (silence): service/cart stays at 5, not 6: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s); no spans: silence is not health
1m30s held (silence): service/cart stays at 5, not 6: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s); no spans: silence is not health

# Spans are back.
trace from=91s
cart::/add 40ms server unsampled
----

tick 105s
----
1m45s acted: service/cart up 5 -> 6: rule cart: latency > 300ms, 1 times within 5m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)
