# An objective of 99 % below 250 ms. Burning fourteen budgets over both an hour and
# five minutes is an emergency; a burst that is over burns only the long window.
rules
version: 1
settings: {trace_wait: 0s, silence_after: 0s}
rules:
- name: objective
  match: {service: api}
  when:
    latency: 250ms
    min_spans: 100
    slo: {objective: 99%, burn: [{long: 1h, short: 5m, rate: 14}]}
  blame: off
  then: {horizontal: {proportional: {max_factor: 3}}}
----
ok

replicas service/api 4
----

tick 0s
----

trace from=0s n=600 every=1s
api::get 20ms server unsampled
----

tick 10m
----

# A hundred slow calls in a row: 100 of 700 bad is 14.3 budgets over the hour.
trace from=600s n=100 every=1s
api::get 500ms server
----

tick 702s
----
11m42s acted: service/api up 4 -> 8: rule objective: latency > 250ms, objective 99 %; api burns 14.3 (long) and 34.5 (short) budgets, 100 of 700 spans bad over 250ms (median 500ms, max 500ms)

# Six minutes later the long window still burns, the short one does not.
trace from=800s n=300 every=1s
api::get 20ms server unsampled
----

tick 1110s
----
