# Bounds by the clock: four to eight in office hours, which are Berlin's. The rule
# itself sleeps at the weekend. The story begins on Monday, 06:59 UTC.
clock 2026-01-05T06:59:00Z
----

rules
version: 1
settings: {trace_wait: 0s, silence_after: 0s}
targets:
- target: deployment/cart
  services: [cart]
  max: 3
  schedule: [{days: mon-fri, from: "08:00", to: "20:00", zone: Europe/Berlin, min: 4, max: 8}]
rules:
- name: cart
  match: {service: cart}
  when: {latency: 300ms, times: 1, within: 1m}
  then: {horizontal: {step: 1}}
  active: [{days: mon-fri}]
----
ok

replicas deployment/cart 3
----

tick 0s
----

trace from=25s
cart::/add 400ms server
----

tick 55s until=60s every=5s
----
55s held (no-change): deployment/cart stays at 3: rule cart: latency > 300ms, 1 times within 1m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s); wanted 4, bounds are 0 to 3; it has 3 replicas already
1m0s acted: deployment/cart up 3 -> 4: rule cart: latency > 300ms, 1 times within 1m0s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)

# Five days later.
tick 120h
----

trace from=432001s
cart::/add 400ms server
----

tick 432005s
----
