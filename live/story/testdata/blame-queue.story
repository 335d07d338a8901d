# The paper's second scenario: workers call a database that has become slow. Each
# request keeps its worker longer, so requests queue for a worker, and soon nearly
# all of the time is spent in that queue. More workers would only queue at the
# database: it is the cause.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: slow
  match: {service: web}
  when: {latency: 1s, times: 20, within: 30s}
  then: {horizontal: {percent: 100%}}
----
ok

tick 0s
----

trace from=0s n=100 every=100ms
web::GET 95ms server unsampled
  worker::job 85ms@5ms server unsampled
    db::query 77ms@11ms server unsampled
----

tick 15s
----

trace from=16s n=100 every=100ms wait=60ms
web::GET 216ms server
  worker::job 206ms@5ms server
    db::query 198ms@11ms server
----

tick 45s
----
45s acted: service/db up 1 -> 2: rule slow: latency > 1s, 20 times within 30s; web 86 spans, needs 20 over 1s (median 3.636s, max 6.156s); 64 of 64 blamed on db::query (self time 198ms, normally 76.398ms), which keeps the workers of worker while its requests queue

# Now the database is as fast as ever, and the queue is due to load: the workers are
# too few.
trace from=60s n=100 every=100ms wait=60ms
web::GET 95ms server
  worker::job 85ms@5ms server
    db::query 77ms@11ms server
----

tick 89s
----
1m29s acted: service/worker up 1 -> 2: rule slow: latency > 1s, 20 times within 30s; web 84 spans, needs 20 over 1s (median 3.575s, max 6.035s); 64 of 64 blamed on worker::job (self time 4.088s, normally 7.996ms)

# A worker that computes before it calls a database which is no slower than normal:
# the time is its own, whether it waits or works.
trace from=120s n=20 every=100ms
web::GET 1595ms server
  worker::job 1585ms@5ms server
    db::query 77ms@1511ms server
----

tick 140s
----
2m20s acted: service/worker up 2 -> 4: rule slow: latency > 1s, 20 times within 30s; web 20 spans, needs 20 over 1s (median 1.595s, max 1.595s); 20 of 20 blamed on worker::job (self time 1.508s, normally 7.996ms)

# The callee has no server span before the request is accepted: the client waits for
# it.
trace from=160s n=20 every=100ms
web::GET 1550ms server
  web::call 1540ms@5ms client
    worker::job 85ms@1455ms server
      db::query 77ms@1460ms server
----

tick 180s
----
3m0s acted: service/worker up 4 -> 8: rule slow: latency > 1s, 20 times within 30s; web 40 spans, needs 20 over 1s (median 1.55s, max 1.55s); 40 of 40 blamed on worker (by web::call) (waiting for it 1.455s, normally 0s)
