# More than a tenth of the calls, of at least twenty. Two slow spans of twelve are a
# larger share, but of too few.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: tenth
  match: {service: cart}
  when: {latency: 500ms, share: 10%, min_spans: 20, within: 30s}
  then: {horizontal: {percent: 50%}}
----
ok

replicas service/cart 5
----

tick 0s
----

trace from=1s n=10 every=100ms
cart::/add 50ms server unsampled
----

trace from=2s n=2 every=1s
cart::/add 700ms server
----

tick 5s
----

trace from=6s n=10 every=100ms
cart::/add 50ms server unsampled
----

trace from=8s n=1
cart::/add 700ms server
----

tick 10s
----
10s acted: service/cart up 5 -> 8: rule tenth: latency > 500ms, more than 10 % within 30s; cart 3 of 23 spans over 500ms (median 700ms, max 700ms); 3 of 3 blamed on cart::/add (self time 700ms, normally 0s)

# Diluted by forty fast ones, three slow spans are no tenth.
trace from=11s n=40 every=10ms
cart::/add 50ms server unsampled
----

tick 15s
----
