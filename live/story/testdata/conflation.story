# Three rules want something of one target in one tick. One action comes out; up
# beats down, priority decides between two ups, and what lost is listed.
rules
version: 1
settings: {trace_wait: 0s}
targets:
- {target: deployment/cart, services: [cart, cart-admin]}
rules:
- {name: big, match: {service: cart, operation: /add}, when: {latency: 300ms, times: 1, within: 30s}, then: {horizontal: {step: 5}}}
- {name: important, match: {service: cart}, when: {latency: 300ms, times: 1, within: 30s}, then: {horizontal: {step: 1}}, priority: 5}
- {name: same, match: {service: cart}, when: {latency: 200ms, times: 1, within: 30s}, then: {horizontal: {step: 1}}, priority: 5}
- {name: vertical, match: {service: cart}, when: {latency: 300ms, times: 1, within: 30s}, then: {vertical: {cpu: {percent: 50%}}}, priority: 5}
- name: idle
  match: {service: cart-admin}
  when: {latency: 300ms, times: 1, within: 5s}
  then: {horizontal: {step: 1}}
  calm: {for: 10s, min_spans: 5, then: {horizontal: {step: 1}}}
----
ok

resources deployment/cart main cpu=100/200
----

replicas deployment/cart 4
----

tick 0s
----

trace from=0s n=20 every=1s
cart-admin::list 10ms server unsampled
----

trace from=15s
cart::/add 400ms server
----

tick 20s
----
20s acted: deployment/cart up 4 -> 5: rule important: latency > 300ms, 1 times within 30s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s); folds same on cart (horizontal up, wanted 1: the same); folds vertical on cart (vertical up, wanted cpu 50 %: horizontal first); folds big on cart (horizontal up, wanted 5: lower priority); folds idle on cart-admin (horizontal hold, wanted nothing: rule big fires on it)

audit
----
{"time":"2026-01-05T00:00:20Z","service":"cart","target":{"kind":"deployment","name":"cart"},"kind":"horizontal","direction":"up","priority":5,"dry_run":false,"at":1767571220000000000,"from":4,"to":5,"why":{"rule":"important","condition":"latency > 300ms, 1 times within 30s","service":"cart","window_start":1767571185400000000,"window_end":1767571215400000000,"count":1,"need":1,"threshold_ns":300000000,"median_ns":400000000,"max_ns":400000000,"trace_ids":["00000000000000000000000000000015"],"blame":{"service":"cart","call":"cart::/add","votes":1,"of":1,"self_ns":400000000,"normal_ns":0},"folded":[{"rule":"same","service":"cart","kind":"horizontal","direction":"up","wanted":"1","because":"the same"},{"rule":"vertical","service":"cart","kind":"vertical","direction":"up","wanted":"cpu 50 %","because":"horizontal first"},{"rule":"big","service":"cart","kind":"horizontal","direction":"up","wanted":"5","because":"lower priority"},{"rule":"idle","service":"cart-admin","kind":"horizontal","direction":"hold","wanted":"nothing","because":"rule big fires on it"}]},"outcome":"acted","explanation":"acted: deployment/cart up 4 -> 5: rule important: latency > 300ms, 1 times within 30s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s); folds same on cart (horizontal up, wanted 1: the same); folds vertical on cart (vertical up, wanted cpu 50 %: horizontal first); folds big on cart (horizontal up, wanted 5: lower priority); folds idle on cart-admin (horizontal hold, wanted nothing: rule big fires on it)"}
