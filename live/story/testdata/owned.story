# An HPA owns one target, the API server is away for another: neither is scaled, both
# are said.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- {name: slow, when: {latency: 300ms, times: 1, within: 30s}, then: {horizontal: {step: 1}}}
----
ok

owned service/a
----

broken service/b
----

tick 0s
----

trace from=1s
a::x 400ms server
----

trace from=1s
b::x 400ms server
----

tick 5s
----
5s held (owned): service/a up 1 -> 2: HorizontalPodAutoscaler a: another controller owns the target: rule slow: latency > 300ms, 1 times within 30s; a 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on a::x (self time 400ms, normally 0s)
5s failed: service/b up 1 -> 2: the API server is away: rule slow: latency > 300ms, 1 times within 30s; b 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on b::x (self time 400ms, normally 0s)

# Held decisions are logged once for the same reason, failures each time.
tick 6s
----
6s held (owned): service/a up 1 -> 2: HorizontalPodAutoscaler a: another controller owns the target: rule slow: latency > 300ms, 1 times within 30s; a 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on a::x (self time 400ms, normally 0s)
6s failed: service/b up 1 -> 2: the API server is away: rule slow: latency > 300ms, 1 times within 30s; b 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on b::x (self time 400ms, normally 0s)

audit
----
{"time":"2026-01-05T00:00:05Z","service":"a","target":{"kind":"service","name":"a"},"kind":"horizontal","direction":"up","priority":0,"dry_run":false,"at":1767571205000000000,"from":1,"to":2,"why":{"rule":"slow","condition":"latency > 300ms, 1 times within 30s","service":"a","window_start":1767571171400000000,"window_end":1767571201400000000,"count":1,"need":1,"threshold_ns":300000000,"median_ns":400000000,"max_ns":400000000,"trace_ids":["00000000000000000000000000000001"],"blame":{"service":"a","call":"a::x","votes":1,"of":1,"self_ns":400000000,"normal_ns":0}},"outcome":"held","reason":"owned","error":"HorizontalPodAutoscaler a: another controller owns the target","explanation":"held (owned): service/a up 1 -> 2: HorizontalPodAutoscaler a: another controller owns the target: rule slow: latency > 300ms, 1 times within 30s; a 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on a::x (self time 400ms, normally 0s)"}
{"time":"2026-01-05T00:00:05Z","service":"b","target":{"kind":"service","name":"b"},"kind":"horizontal","direction":"up","priority":0,"dry_run":false,"at":1767571205000000000,"from":1,"to":2,"why":{"rule":"slow","condition":"latency > 300ms, 1 times within 30s","service":"b","window_start":1767571171400000000,"window_end":1767571201400000000,"count":1,"need":1,"threshold_ns":300000000,"median_ns":400000000,"max_ns":400000000,"trace_ids":["00000000000000000000000000000002"],"blame":{"service":"b","call":"b::x","votes":1,"of":1,"self_ns":400000000,"normal_ns":0}},"outcome":"failed","error":"the API server is away","explanation":"failed: service/b up 1 -> 2: the API server is away: rule slow: latency > 300ms, 1 times within 30s; b 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on b::x (self time 400ms, normally 0s)"}
{"time":"2026-01-05T00:00:06Z","service":"b","target":{"kind":"service","name":"b"},"kind":"horizontal","direction":"up","priority":0,"dry_run":false,"at":1767571206000000000,"from":1,"to":2,"why":{"rule":"slow","condition":"latency > 300ms, 1 times within 30s","service":"b","window_start":1767571171400000000,"window_end":1767571201400000000,"count":1,"need":1,"threshold_ns":300000000,"median_ns":400000000,"max_ns":400000000,"trace_ids":["00000000000000000000000000000002"],"blame":{"service":"b","call":"b::x","votes":1,"of":1,"self_ns":400000000,"normal_ns":0}},"outcome":"failed","error":"the API server is away","explanation":"failed: service/b up 1 -> 2: the API server is away: rule slow: latency > 300ms, 1 times within 30s; b 1 spans, needs 1 over 300ms (median 400ms, max 400ms); 1 of 1 blamed on b::x (self time 400ms, normally 0s)"}
