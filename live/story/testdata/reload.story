# Rules are replaced at run time; bad ones are not, and the old ones stay. Cooldowns
# outlive the change.
rules
version: 1
settings: {trace_wait: 0s}
targets:
- {target: deployment/cart, services: [cart], cooldown: {up: 1m}}
rules:
- {name: old, match: {service: cart}, when: {latency: 300ms, times: 1, within: 30s}, then: {horizontal: {step: 1}}}
----
ok

tick 0s
----

trace from=1s
cart::/add 400ms server
----

tick 5s
----
5s acted: deployment/cart up 1 -> 2: rule old: latency > 300ms, 1 times within 30s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)

rules new.yaml
version: 1
rules:
- {name: new, match: {service: cart}, when: {latency: 300ms, times: 0, within: 30s}, then: {horizontal: {stepp: 1}}}
----
new.yaml:3:106: rules[0].then.horizontal.stepp: unknown field; did you mean step?

rules new.yaml
version: 1
settings: {trace_wait: 0s}
targets:
- {target: deployment/cart, services: [cart], cooldown: {up: 1m}}
rules:
- {name: new, match: {service: cart}, when: {latency: 200ms, times: 1, within: 30s}, then: {horizontal: {step: 3}}}
----
ok

trace from=9s
cart::/add 250ms server
----

tick 10s
----
10s held (cooldown): deployment/cart stays at 2, not 5: rule new: latency > 200ms, 1 times within 30s; cart 1 spans, needs 1 over 200ms (median 250ms, max 250ms); 1 of 1 blamed on cart::/add (self time 250ms, normally 0s); cooling down for 55s more

trace from=64s
cart::/add 250ms server
----

tick 66s
----
1m6s acted: deployment/cart up 2 -> 5: rule new: latency > 200ms, 1 times within 30s; cart 1 spans, needs 1 over 200ms (median 250ms, max 250ms); 1 of 1 blamed on cart::/add (self time 250ms, normally 0s)

# A rule that was renamed and answers otherwise looks for the same spans: it goes on
# with the two that it has seen. Its neighbour has another threshold now, and begins
# anew.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- {name: a, match: {service: web}, when: {latency: 300ms, times: 3, within: 30s}, then: {horizontal: {step: 1}}}
- {name: b, match: {service: ads}, when: {latency: 300ms, times: 3, within: 30s}, then: {horizontal: {step: 1}}}
----
ok

trace from=100s n=2 every=1s
web::/ 400ms server
----

trace from=100s n=2 every=1s
ads::/ 400ms server
----

tick 103s
----

rules
version: 1
settings: {trace_wait: 0s}
rules:
- {name: renamed, match: {service: web}, when: {latency: 300ms, times: 3, within: 30s}, then: {horizontal: {step: 4}}}
- {name: b, match: {service: ads}, when: {latency: 299ms, times: 3, within: 30s}, then: {horizontal: {step: 1}}}
----
ok

trace from=104s
web::/ 400ms server
----

trace from=104s
ads::/ 400ms server
----

tick 105s
----
1m45s acted: service/web up 1 -> 5: rule renamed: latency > 300ms, 3 times within 30s; web 3 spans, needs 3 over 300ms (median 400ms, max 400ms); 3 of 3 blamed on web::/ (self time 400ms, normally 0s)
