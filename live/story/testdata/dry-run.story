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

# What a trial would have done starts no cooldown for a rule that acts, and what it
# wanted is not part of what was wanted for long enough.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
targets:
- {target: deployment/pay, services: [pay], cooldown: {up: 1m}, stabilise: {up: 10s}}
rules:
- name: trial
  match: {service: pay}
  when: {latency: 300ms, times: 1, within: 30s}
  then: {horizontal: {step: 5}}
  dry_run: true
- name: proven
  match: {service: pay}
  when: {latency: 300ms, times: 2, within: 30s}
  then: {horizontal: {step: 1}}
----
ok

trace from=100s
pay::/card 400ms server
----

tick 100s until=120s every=5s
----
1m45s dry-run: deployment/pay up 1 -> 6: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s)
1m50s held (cooldown): deployment/pay stays at 1, not 6: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); cooling down for 55s more
1m55s held (cooldown): deployment/pay stays at 1, not 6: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); cooling down for 50s more
2m0s held (cooldown): deployment/pay stays at 1, not 6: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); cooling down for 45s more

trace from=121s
pay::/card 400ms server
----

tick 125s until=150s every=5s
----
2m5s held (stabilise): deployment/pay stays at 1, not 2: rule proven: latency > 300ms, 2 times within 30s; pay 2 spans, needs 2 over 300ms (median 400ms, max 400ms); 2 of 2 blamed on pay::/card (self time 400ms, normally 0s); not wanted for 10s yet; folds trial on pay (horizontal up, wanted 5: it is a dry run)
2m10s acted: deployment/pay up 1 -> 2: rule proven: latency > 300ms, 2 times within 30s; pay 2 spans, needs 2 over 300ms (median 400ms, max 400ms); 2 of 2 blamed on pay::/card (self time 400ms, normally 0s); folds trial on pay (horizontal up, wanted 5: it is a dry run)
2m15s held (no-change): deployment/pay stays at 2, not 7: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); the mildest within stabilisation changes nothing
2m20s held (cooldown): deployment/pay stays at 2, not 7: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); cooling down for 50s more
2m25s held (cooldown): deployment/pay stays at 2, not 7: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); cooling down for 45s more
2m30s held (cooldown): deployment/pay stays at 2, not 7: rule trial: latency > 300ms, 1 times within 30s; pay 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on pay::/card (self time 400ms, normally 0s); cooling down for 40s more
