# Suppress: a slow callee is somebody else's business. Off: nobody asks.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- {name: polite, match: {service: web}, when: {latency: 300ms, times: 1, within: 5s}, blame: suppress, then: {horizontal: {step: 1}}}
- {name: blunt, match: {service: app}, when: {latency: 300ms, times: 1, within: 5s}, blame: off, then: {horizontal: {step: 1}}}
----
ok

tick 0s
----

trace from=1s
web::GET 500ms server
  db::q 480ms@10ms server
----

trace from=1s
app::GET 500ms server
  db::q 480ms@10ms server
----

tick 4s
----
4s acted: service/app up 1 -> 2: rule blunt: latency > 300ms, 1 times within 5s; app 1 spans, needs 1 over 300ms (median 500ms, max 500ms)
4s held (blame): service/web stays: rule polite: latency > 300ms, 1 times within 5s; web 1 spans, needs 1 over 300ms (median 500ms, max 500ms); 1 of 1 blamed on db::q (self time 480ms, normally 0s); db is the cause
