# Equation 4 of the paper: Count(D > T, window) >= N. Two slow spans are not three.
rules
version: 1
targets:
- {target: deployment/shop/cart, services: [cart], max: 10, cooldown: {up: 1m}}
rules:
- name: cart-slow
  match: {service: cart}
  when: {latency: 500ms, times: 3, within: 1m}
  then: {horizontal: {step: 2}}
----
ok

replicas deployment/shop/cart 3
----

tick 0s
----

trace from=1s n=2 every=10s
cart::/add 700ms server
----

tick 15s until=30s every=15s
----

# A span of exactly 500 ms is not over the threshold; one that the sampler dropped
# does not count either.
trace from=40s
cart::/add 500ms server
----

trace from=41s
cart::/add 900ms server unsampled
----

tick 45s
----

# The third slow span makes three within a minute. Its own trace is still open, but
# those of the other two say who made them slow.
trace from=50s
cart::/add 800ms server
----

tick 60s
----
1m0s acted: deployment/shop/cart up 3 -> 5: rule cart-slow: latency > 500ms, 3 times within 1m0s; cart 3 spans, needs 3 over 500ms (median 700ms, max 800ms); 2 of 2 blamed on cart::/add (self time 700ms, normally 0s)

# The window still holds three. The cooldown holds the next action.
tick 62s
----
1m2s held (cooldown): deployment/shop/cart stays at 5, not 7: rule cart-slow: latency > 500ms, 3 times within 1m0s; cart 3 spans, needs 3 over 500ms (median 700ms, max 800ms); 3 of 3 blamed on cart::/add (self time 700ms, normally 0s); cooling down for 58s more

# The same three spans a minute later: the window has moved on, nothing fires.
tick 120s
----
