# Scale down when nothing was over half the threshold for two minutes, with traffic.
rules
version: 1
settings: {trace_wait: 0s}
targets:
- {target: deployment/cart, services: [cart], min: 2, max: 10, cooldown: {down: 1m}}
rules:
- name: cart
  match: {service: cart}
  when: {latency: 500ms, times: 3, within: 30s}
  then: {horizontal: {step: 2}}
  calm: {below: 50%, for: 2m, min_spans: 20, then: {horizontal: {step: 1}}}
----
ok

replicas deployment/cart 5
----

tick 0s
----

trace from=0s n=300 every=1s
cart::/add 100ms server unsampled
----

# A span of 300 ms is over half of 500 ms: not calm.
trace from=10s
cart::/add 300ms server
----

tick 15s until=3m every=15s
----
2m15s acted: deployment/cart down 5 -> 4: rule cart: calm: nothing over 50 % of the threshold for 2m0s; cart 118 spans
2m30s held (cooldown): deployment/cart stays at 4, not 3: rule cart: calm: nothing over 50 % of the threshold for 2m0s; cart 119 spans; cooling down for 45s more
2m45s held (cooldown): deployment/cart stays at 4, not 3: rule cart: calm: nothing over 50 % of the threshold for 2m0s; cart 118 spans; cooling down for 30s more
3m0s held (cooldown): deployment/cart stays at 4, not 3: rule cart: calm: nothing over 50 % of the threshold for 2m0s; cart 119 spans; cooling down for 15s more

# Without traffic nobody knows whether it is calm. The same rule does nothing.
tick 10m until=20m every=1m
----
