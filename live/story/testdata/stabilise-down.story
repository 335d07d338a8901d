# Down is stabilised for a minute: what was wanted at every tick, by the mildest
# amount. A breach in between starts it anew.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
targets:
- {target: deployment/cart, services: [cart], min: 1, stabilise: {down: 1m}}
rules:
- name: cart
  match: {service: cart}
  when: {latency: 500ms, times: 1, within: 5s}
  then: {horizontal: {step: 1}}
  calm: {below: 90%, for: 30s, min_spans: 5, then: {horizontal: {percent: 50%}}}
----
ok

replicas deployment/cart 8
----

trace from=-1s n=201 every=1s
cart::/add 100ms server unsampled
----

trace from=43s
cart::/add 700ms server
----

tick 0s until=150s every=15s
----
30s held (stabilise): deployment/cart stays at 8, not 4: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans; not wanted for 1m0s yet
45s acted: deployment/cart up 8 -> 9: rule cart: latency > 500ms, 1 times within 5s; cart 1 spans, needs 1 over 500ms (median 700ms, max 700ms); 1 of 1 blamed on cart::/add (self time 700ms, normally 100.726ms)
1m15s held (stabilise): deployment/cart stays at 9, not 4: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans; not wanted for 1m0s yet
1m30s held (stabilise): deployment/cart stays at 9, not 4: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans; not wanted for 1m0s yet
1m45s held (stabilise): deployment/cart stays at 9, not 4: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans; not wanted for 1m0s yet
2m0s acted: deployment/cart down 9 -> 4: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans
2m15s held (no-change): deployment/cart stays at 4, not 2: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans; the mildest within stabilisation changes nothing
2m30s held (no-change): deployment/cart stays at 4, not 2: rule cart: calm: nothing over 90 % of the threshold for 30s; cart 29 spans; the mildest within stabilisation changes nothing
