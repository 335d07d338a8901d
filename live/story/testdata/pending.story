# Under load there are always spans whose traces are still open, by the hundred. They
# do not stand in the way of the older ones whose cause is known.
rules
version: 1
rules:
- name: slow
  match: {service: web}
  when: {latency: 300ms, times: 50, within: 60s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=1s n=2400 every=10ms
web::GET 500ms server
  db::query 480ms@10ms server
----

# All of them are open: the cause is not known.
tick 5s
----
5s held (pending): service/web stays: rule slow: latency > 300ms, 50 times within 1m0s; web 351 spans, needs 50 over 300ms (median 500ms, max 500ms); the traces of its spans are still open

# The newest thousand are open, those before are not.
tick 20s
----
20s acted: service/db up 1 -> 2: rule slow: latency > 300ms, 50 times within 1m0s; web 1851 spans, needs 50 over 300ms (median 500ms, max 500ms); 64 of 64 blamed on db::query (self time 480ms, normally 0s)
