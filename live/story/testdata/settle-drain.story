# A slow database kept the workers, and requests queued for one. The database is
# scaled, and is as fast as ever; but the backlog still has to pass the workers, who now
# look like the cause. A rule that settles does not act on them: what it saw before the
# database had settled was about the database, and what it sees afterwards becomes
# shorter. Only when it does not are the workers too few.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: patient
  match: {service: web}
  when: {latency: 1s, times: 20, within: 30s}
  then: {horizontal: {percent: 100%}}
  settle: 20s
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
45s acted: service/db up 1 -> 2: rule patient: latency > 1s, 20 times within 30s; web 86 spans, needs 20 over 1s (median 3.636s, max 6.156s); 64 of 64 blamed on db::query (self time 198ms, normally 76.398ms), which keeps the workers of worker while its requests queue

replicas service/db 2
----

# Effective at 50 s, settled at 70 s. The backlog drains: requests wait less and less.
tick 50s
----
50s held (settle): service/db stays: rule patient: latency > 1s, 20 times within 30s; web 86 spans, needs 20 over 1s (median 3.636s, max 6.156s); 64 of 64 blamed on db::query (self time 198ms, normally 76.398ms), which keeps the workers of worker while its requests queue; settling for 20s more

trace from=50s n=60 every=500ms
web::GET 6095ms server
  worker::job 6085ms@5ms server
    db::query 77ms@6000ms server
----

tick 69s
----
1m9s held (settle): service/worker stays: rule patient: latency > 1s, 20 times within 30s; web 26 spans, needs 20 over 1s (median 6.095s, max 6.095s); 26 of 26 blamed on worker::job (self time 6.008s, normally 7.996ms); what was done 24s ago for these spans settles for 1s more

trace from=70s n=20 every=200ms
web::GET 5095ms server
  worker::job 5085ms@5ms server
    db::query 77ms@5000ms server
----

trace from=74s n=20 every=200ms
web::GET 3595ms server
  worker::job 3585ms@5ms server
    db::query 77ms@3500ms server
----

trace from=78s n=20 every=200ms
web::GET 2095ms server
  worker::job 2085ms@5ms server
    db::query 77ms@2000ms server
----

tick 82s
----
1m22s held (settle): service/worker stays: rule patient: latency > 1s, 20 times within 30s; web 102 spans, needs 20 over 1s (median 6.095s, max 6.095s); 64 of 64 blamed on worker::job (self time 5.008s, normally 7.996ms); what was done 37s ago works: the median breach falls from 6.095s to 3.595s

# It does not go on: requests still wait two seconds, without end.
trace from=82s n=220 every=200ms
web::GET 2095ms server
  worker::job 2085ms@5ms server
    db::query 77ms@2000ms server
----

tick 125s
----
2m5s acted: service/worker up 1 -> 2: rule patient: latency > 1s, 20 times within 30s; web 152 spans, needs 20 over 1s (median 2.095s, max 6.095s); 64 of 64 blamed on worker::job (self time 2.008s, normally 7.996ms)
