# Do not scale the worker while the database is in trouble: more workers would only
# make it worse.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: worker-slow
  match: {service: worker}
  when: {latency: 500ms, times: 2, within: 10s}
  blame: off
  then: {horizontal: {step: 10}}
  not_while: [db]
- name: db-slow
  match: {service: db}
  when: {latency: 100ms, times: 2, within: 10s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=1s n=2 every=1s
worker::job 700ms consumer
  db::query 600ms@50ms server
----

tick 5s
----
5s acted: service/db up 1 -> 2: rule db-slow: latency > 100ms, 2 times within 10s; db 2 spans, needs 2 over 100ms (median 600ms, max 600ms); 2 of 2 blamed on db::query (self time 600ms, normally 0s)
5s held (dependency): service/worker stays: rule worker-slow: latency > 500ms, 2 times within 10s; worker 2 spans, needs 2 over 500ms (median 700ms, max 700ms); not while db is in trouble

# The database is fine now, and the worker slow by itself.
trace from=21s n=2 every=1s
worker::job 700ms consumer
  db::query 6ms@50ms server
----

tick 25s
----
25s acted: service/worker up 1 -> 11: rule worker-slow: latency > 500ms, 2 times within 10s; worker 2 spans, needs 2 over 500ms (median 700ms, max 700ms)

# The database is being scaled up, and its rule waits for that to show: it is in
# trouble all the same, and the worker waits with it.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: worker-slow
  match: {service: worker}
  when: {latency: 500ms, times: 2, within: 10s}
  blame: off
  then: {horizontal: {step: 10}}
  not_while: [db]
- name: db-slow
  match: {service: db}
  when: {latency: 100ms, times: 2, within: 10s}
  then: {horizontal: {step: 1}}
  settle: 30s
----
ok

trace from=101s n=8 every=1s
worker::job 700ms consumer
  db::query 600ms@50ms server
----

tick 105s until=110s every=5s
----
1m45s held (settle): service/db stays: rule db-slow: latency > 100ms, 2 times within 10s; db 4 spans, needs 2 over 100ms (median 600ms, max 600ms); 4 of 4 blamed on db::query (self time 600ms, normally 0s); settling for 30s more
1m45s held (dependency): service/worker stays: rule worker-slow: latency > 500ms, 2 times within 10s; worker 4 spans, needs 2 over 500ms (median 700ms, max 700ms); not while db is in trouble
1m50s held (settle): service/db stays: rule db-slow: latency > 100ms, 2 times within 10s; db 8 spans, needs 2 over 100ms (median 600ms, max 600ms); 8 of 8 blamed on db::query (self time 600ms, normally 0s); settling for 25s more
1m50s held (dependency): service/worker stays: rule worker-slow: latency > 500ms, 2 times within 10s; worker 8 spans, needs 2 over 500ms (median 700ms, max 700ms); not while db is in trouble
