# What the rules want passes bounds, stabilisation, cooldown and rate limits.
rules
version: 1
settings: {trace_wait: 0s}
targets:
- target: deployment/a
  services: [a]
  max: 6
- target: deployment/b
  services: [b]
  cooldown: {up: 30s}
- target: deployment/c
  services: [c]
  stabilise: {up: 20s}
- target: deployment/d
  services: [d]
  limits: [{direction: up, replicas: 3, per: 1m}, {direction: up, actions: 2, per: 1m}]
rules:
- name: slow
  when: {latency: 500ms, times: 1, within: 1m}
  then: {horizontal: {step: 2}}
----
ok

replicas deployment/a 3
----

replicas deployment/b 3
----

replicas deployment/c 3
----

replicas deployment/d 3
----

tick 0s
----

trace from=1s
a::x 600ms server
----

trace from=1s
b::x 600ms server
----

trace from=1s
c::x 600ms server
----

trace from=1s
d::x 600ms server
----

# a: 3 to 5 to 6 and no further. b: every thirty seconds. c: not before it was wanted
# for twenty seconds. d: two, then one, then the limit is used up.
tick 10s until=50s every=10s
----
10s acted: deployment/a up 3 -> 5: rule slow: latency > 500ms, 1 times within 1m0s; a 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on a::x (self time 600ms, normally 0s)
10s acted: deployment/b up 3 -> 5: rule slow: latency > 500ms, 1 times within 1m0s; b 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on b::x (self time 600ms, normally 0s)
10s held (stabilise): deployment/c stays at 3, not 5: rule slow: latency > 500ms, 1 times within 1m0s; c 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on c::x (self time 600ms, normally 0s); not wanted for 20s yet
10s acted: deployment/d up 3 -> 5: rule slow: latency > 500ms, 1 times within 1m0s; d 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on d::x (self time 600ms, normally 0s)
20s acted: deployment/a up 5 -> 6: rule slow: latency > 500ms, 1 times within 1m0s; a 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on a::x (self time 600ms, normally 0s); wanted 7, bounds are 0 to 6
20s held (cooldown): deployment/b stays at 5, not 7: rule slow: latency > 500ms, 1 times within 1m0s; b 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on b::x (self time 600ms, normally 0s); cooling down for 20s more
20s acted: deployment/c up 3 -> 5: rule slow: latency > 500ms, 1 times within 1m0s; c 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on c::x (self time 600ms, normally 0s)
20s acted: deployment/d up 5 -> 6: rule slow: latency > 500ms, 1 times within 1m0s; d 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on d::x (self time 600ms, normally 0s); 6 instead of 7: rate limit
30s held (no-change): deployment/a stays at 6: rule slow: latency > 500ms, 1 times within 1m0s; a 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on a::x (self time 600ms, normally 0s); wanted 8, bounds are 0 to 6; it has 6 replicas already
30s held (cooldown): deployment/b stays at 5, not 7: rule slow: latency > 500ms, 1 times within 1m0s; b 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on b::x (self time 600ms, normally 0s); cooling down for 10s more
30s held (no-change): deployment/c stays at 5, not 7: rule slow: latency > 500ms, 1 times within 1m0s; c 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on c::x (self time 600ms, normally 0s); the mildest within stabilisation changes nothing
30s held (rate-limit): deployment/d stays at 6, not 8: rule slow: latency > 500ms, 1 times within 1m0s; d 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on d::x (self time 600ms, normally 0s); 2 actions within 1m0s
40s held (no-change): deployment/a stays at 6: rule slow: latency > 500ms, 1 times within 1m0s; a 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on a::x (self time 600ms, normally 0s); wanted 8, bounds are 0 to 6; it has 6 replicas already
40s acted: deployment/b up 5 -> 7: rule slow: latency > 500ms, 1 times within 1m0s; b 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on b::x (self time 600ms, normally 0s)
40s acted: deployment/c up 5 -> 7: rule slow: latency > 500ms, 1 times within 1m0s; c 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on c::x (self time 600ms, normally 0s)
40s held (rate-limit): deployment/d stays at 6, not 8: rule slow: latency > 500ms, 1 times within 1m0s; d 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on d::x (self time 600ms, normally 0s); 2 actions within 1m0s
50s held (no-change): deployment/a stays at 6: rule slow: latency > 500ms, 1 times within 1m0s; a 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on a::x (self time 600ms, normally 0s); wanted 8, bounds are 0 to 6; it has 6 replicas already
50s held (cooldown): deployment/b stays at 7, not 9: rule slow: latency > 500ms, 1 times within 1m0s; b 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on b::x (self time 600ms, normally 0s); cooling down for 20s more
50s held (no-change): deployment/c stays at 7, not 9: rule slow: latency > 500ms, 1 times within 1m0s; c 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on c::x (self time 600ms, normally 0s); the mildest within stabilisation changes nothing
50s held (rate-limit): deployment/d stays at 6, not 8: rule slow: latency > 500ms, 1 times within 1m0s; d 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on d::x (self time 600ms, normally 0s); 2 actions within 1m0s
