# Rate limits of both directions. Up: at most half of what was there at the start of
# the minute. Down: one replica in two minutes, however calm it is.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s, silence_after: 0s}
targets:
- target: deployment/cart
  services: [cart]
  min: 2
  limits: [{direction: up, percent: 50%, per: 1m}, {direction: down, replicas: 1, per: 2m}]
rules:
- name: cart
  match: {service: cart}
  when: {latency: 500ms, times: 1, within: 10s}
  then: {horizontal: {percent: 100%}}
  calm: {below: 50%, for: 30s, min_spans: 3, then: {horizontal: {step: 2}}}
----
ok

replicas deployment/cart 4
----

tick 0s
----

# Eight are wanted, six are allowed; then no more within the minute.
trace from=1s n=4 every=10s
cart::pay 600ms server
----

tick 2s until=22s every=10s
----
2s acted: deployment/cart up 4 -> 6: rule cart: latency > 500ms, 1 times within 10s; cart 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on cart::pay (self time 600ms, normally 0s); 6 instead of 8: rate limit
12s held (rate-limit): deployment/cart stays at 6, not 12: rule cart: latency > 500ms, 1 times within 10s; cart 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on cart::pay (self time 600ms, normally 0s); the rate limit is used up
22s held (rate-limit): deployment/cart stays at 6, not 12: rule cart: latency > 500ms, 1 times within 10s; cart 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on cart::pay (self time 600ms, normally 0s); the rate limit is used up

# A minute after the first change the next half is allowed: of six, so three.
trace from=61s
cart::pay 600ms server
----

tick 62s
----
1m2s acted: deployment/cart up 6 -> 9: rule cart: latency > 500ms, 1 times within 10s; cart 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on cart::pay (self time 600ms, normally 0s); 9 instead of 12: rate limit

# Calm: two fewer are wanted at every tick, one in two minutes goes.
trace from=63s n=40 every=5s
cart::pay 50ms server
----

tick 100s until=240s every=20s
----
1m40s acted: deployment/cart down 9 -> 8: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; 8 instead of 7: rate limit
2m0s held (rate-limit): deployment/cart stays at 8, not 6: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; the rate limit is used up
2m20s held (rate-limit): deployment/cart stays at 8, not 6: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; the rate limit is used up
2m40s held (rate-limit): deployment/cart stays at 8, not 6: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; the rate limit is used up
3m0s held (rate-limit): deployment/cart stays at 8, not 6: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; the rate limit is used up
3m20s held (rate-limit): deployment/cart stays at 8, not 6: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; the rate limit is used up
3m40s acted: deployment/cart down 8 -> 7: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; 7 instead of 6: rate limit
4m0s held (rate-limit): deployment/cart stays at 7, not 5: rule cart: calm: nothing over 50 % of the threshold for 30s; cart 6 spans; the rate limit is used up

