# Parallel children: the union counts, so two calls of 400 ms at the same time leave
# 100 ms of self time in a span of 500 ms, and the slow one of them is the cause.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: slow
  match: {service: web}
  when: {latency: 300ms, times: 1, within: 5s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=0s n=30 every=10ms
web::GET 120ms server unsampled
  a::x 20ms@10ms server unsampled
  b::y 20ms@10ms server unsampled
----

tick 1s
----

trace from=1s
web::GET 500ms server
  a::x 400ms@10ms server
  b::y 30ms@10ms server
----

tick 3s
----
3s acted: service/a up 1 -> 2: rule slow: latency > 300ms, 1 times within 5s; web 1 spans, needs 1 over 300ms (median 500ms, max 500ms); 1 of 1 blamed on a::x (self time 400ms, normally 19.867ms)

# Seven queries, each only a little slow: together they are the cause.
trace from=20s
web::GET 520ms server
  a::x 55ms@10ms server
  a::x 55ms@70ms server
  a::x 55ms@130ms server
  a::x 55ms@190ms server
  a::x 55ms@250ms server
  a::x 55ms@310ms server
  a::x 55ms@370ms server
----

tick 23s
----
23s acted: service/a up 2 -> 3: rule slow: latency > 300ms, 1 times within 5s; web 1 spans, needs 1 over 300ms (median 520ms, max 520ms); 1 of 1 blamed on a::x (self time 385ms, normally 139.069ms)

# The callee's host has a clock 2 s ahead. Its span is moved into the caller's.
trace from=40s
web::GET 500ms server
  a::x 450ms@2010ms server
----

tick 43s
----
43s acted: service/a up 3 -> 4: rule slow: latency > 300ms, 1 times within 5s; web 1 spans, needs 1 over 300ms (median 500ms, max 500ms); 1 of 1 blamed on a::x (self time 450ms, normally 19.867ms)

# A client span with a fast server span below it: the time passed before the callee
# began. It waits for the callee.
trace from=60s
web::GET 500ms server
  web::call-b 480ms@10ms client
    b::y 20ms@460ms server
----

tick 63s
----
1m3s acted: service/b up 1 -> 2: rule slow: latency > 300ms, 1 times within 5s; web 2 spans, needs 1 over 300ms (median 500ms, max 500ms); 2 of 2 blamed on b (by web::call-b) (waiting for it 460ms, normally 0s)

# A payment provider sends no spans, but the client names it. Nothing here can scale
# it, so nothing is done.
trace from=80s
web::GET 500ms server
  web::charge 480ms@10ms client peer.service=stripe
----

tick 83s
----
1m23s held (no-target): service stripe: rule slow: latency > 300ms, 1 times within 5s; web 2 spans, needs 1 over 300ms (median 500ms, max 500ms); 2 of 2 blamed on stripe (by web::charge) (waiting for it 480ms, normally 0s); nothing is known that scales stripe

# The parent of the slow query was lost. The trace is incomplete, and said to be; the
# query still lies inside the caller's time.
trace from=100s
web::GET 500ms server
  a::x 450ms@20ms server orphan
----

tick 103s
----
1m43s acted: service/a up 4 -> 5: rule slow: latency > 300ms, 1 times within 5s; web 1 spans, needs 1 over 300ms (median 500ms, max 500ms); 1 of 1 blamed on a::x (self time 450ms, normally 19.867ms), 1 traces incomplete

# What nobody waits for is not to blame: the consumer runs on after the request.
trace from=120s
web::GET 500ms server
  b::job 2000ms@10ms consumer
----

tick 123s
----
2m3s acted: service/web up 1 -> 2: rule slow: latency > 300ms, 1 times within 5s; web 1 spans, needs 1 over 300ms (median 500ms, max 500ms); 1 of 1 blamed on web::GET (self time 500ms, normally 100.726ms)

counters
----
spans 112
sampled 22
breaches 9
ticks 9
traces_closed 37
traces_incomplete 1
acted 6
held 1
calls 7
