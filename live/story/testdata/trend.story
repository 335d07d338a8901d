# The trend of a call: the CUSUM of tick means rings when it drifts, long before a
# threshold does.
rules
version: 1
settings: {trace_wait: 0s, silence_after: 0s}
rules: []
----
ok

trace from=0s n=2000 every=97ms
db::q 10ms server
db::q 12ms server
db::q 11ms server
----

trace from=3s n=28 every=7s
db::q 14ms server
----

tick 0s until=190s every=10s
----

stats
----
db::q count 5904, 26.9/s, p99 12ms, baseline unknown, self unknown, cusum 0.0

trace from=200s n=500 every=100ms
db::q 20ms server
----

tick 210s until=250s every=10s
----

stats
----
db::q count 6528, 20/s, p99 20ms, baseline unknown, self unknown, cusum 20.0
