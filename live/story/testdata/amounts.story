# Four ways to say how many replicas. Percent is rounded up; proportional follows the
# median breach (1.2 s over 500 ms) up to its greatest factor.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- {name: step, match: {service: a}, when: {latency: 500ms, times: 1, within: 10s}, then: {horizontal: {step: 3}}}
- {name: percent, match: {service: b}, when: {latency: 500ms, times: 1, within: 10s}, then: {horizontal: {percent: 25%}}}
- {name: proportional, match: {service: c}, when: {latency: 500ms, times: 1, within: 10s}, then: {horizontal: {proportional: {max_factor: 3}}}}
- {name: capped, match: {service: d}, when: {latency: 500ms, times: 1, within: 10s}, then: {horizontal: {proportional: {max_factor: 2}}}}
----
ok

replicas service/a 3
----

replicas service/b 5
----

replicas service/c 5
----

replicas service/d 5
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
c::x 1200ms server
----

trace from=1s
d::x 1200ms server
----

tick 5s
----
5s acted: service/a up 3 -> 6: rule step: latency > 500ms, 1 times within 10s; a 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on a::x (self time 600ms, normally 0s)
5s acted: service/b up 5 -> 7: rule percent: latency > 500ms, 1 times within 10s; b 1 spans, needs 1 over 500ms (median 600ms, max 600ms); 1 of 1 blamed on b::x (self time 600ms, normally 0s)
5s acted: service/c up 5 -> 12: rule proportional: latency > 500ms, 1 times within 10s; c 1 spans, needs 1 over 500ms (median 1.2s, max 1.2s); 1 of 1 blamed on c::x (self time 1.2s, normally 0s)
5s acted: service/d up 5 -> 10: rule capped: latency > 500ms, 1 times within 10s; d 1 spans, needs 1 over 500ms (median 1.2s, max 1.2s); 1 of 1 blamed on d::x (self time 1.2s, normally 0s)
