# Several orchestrators at once: Deployments go to Kubernetes and virtual machines to
# a webhook; nobody scales a lambda. The log is told of all that is asked, and when one
# backend fails, the others are none the worse.
backend kube deployment
----

backend webhook vm
----

rules
version: 1
settings: {trace_wait: 0s}
targets:
- {target: deployment/cart, services: [cart]}
- {target: vm/legacy, services: [legacy]}
- {target: vm/tape, services: [tape]}
- {target: lambda/resize, services: [resize]}
rules:
- {name: slow, when: {latency: 300ms, times: 1, within: 5s}, then: {horizontal: {step: 2}}}
----
ok

replicas deployment/cart 3
----

broken vm/tape
----

tick 0s
----

trace from=1s
cart::pay 400ms server
----

trace from=1s
legacy::book 400ms server
----

trace from=1s
tape::store 400ms server
----

trace from=1s
resize::image 400ms server
----

tick 2s
----
2s acted: deployment/cart up 3 -> 5: rule slow: latency > 300ms, 1 times within 5s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::pay (self time 400ms, normally 0s)
2s held (no-target): lambda/resize up: lambda/resize: no orchestrator for the target: rule slow: latency > 300ms, 1 times within 5s; resize 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on resize::image (self time 400ms, normally 0s)
2s acted: vm/legacy up 1 -> 3: rule slow: latency > 300ms, 1 times within 5s; legacy 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on legacy::book (self time 400ms, normally 0s)
2s failed: vm/tape up 1 -> 3: the API server is away: rule slow: latency > 300ms, 1 times within 5s; tape 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on tape::store (self time 400ms, normally 0s)

told
----
kube: deployment/cart up 3 -> 5
log: deployment/cart up 3 -> 5
webhook: vm/legacy up 1 -> 3
log: vm/legacy up 1 -> 3
webhook: vm/tape up 1 -> 3
log: vm/tape up 1 -> 3

