# A dry run decides and explains but changes nothing, and never takes the place of a
# rule that acts.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: trial
  match: {service: cart}
  when: {latency: 300ms, times: 1, within: 30s}
  then: {horizontal: {step: 5}}
  priority: 100
  dry_run: true
- name: proven
  match: {service: cart}
  when: {latency: 300ms, times: 2, within: 30s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=1s
cart::/add 400ms server
----

tick 5s
----
5s dry-run: service/cart up 1 -> 6: rule trial: latency > 300ms, 1 times within 30s; cart 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on cart::/add (self time 400ms, normally 0s)

trace from=6s
cart::/add 400ms server
----

tick 10s
----
10s acted: service/cart up 1 -> 2: rule proven: latency > 300ms, 2 times within 30s; cart 2 spans, needs 2 over 300ms (median 400ms, max 400ms); 2 of 2 blamed on cart::/add (self time 400ms, normally 0s); folds trial on cart (horizontal up, wanted 5: it is a dry run)

counters
----
spans 2
sampled 2
breaches 4
ticks 3
traces_closed 2
acted 1
dry_run 1
calls 2
