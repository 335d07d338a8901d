# Little's law: 20 requests a second, 400 ms each, are 8 in flight. At two a replica
# that wants four replicas, whether there are fewer or more.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
rules:
- name: two-each
  match: {service: api, kind: server}
  when: {always: true, within: 20s, min_spans: 50}
  then: {horizontal: {concurrency: 2}}
----
ok

replicas service/api 1
----

tick 0s
----

trace from=0s n=400 every=50ms
api::get 400ms server unsampled
----

tick 20s
----
20s acted: service/api up 1 -> 4: rule two-each: always, over 20s; api 393 spans; 20/s x 400ms = 8 in flight

replicas service/api 9
----

tick 20s
----
20s acted: service/api down 9 -> 4: rule two-each: always, over 20s; api 393 spans; 20/s x 400ms = 8 in flight

# Without traffic nothing is known, and nothing is done.
tick 50s
----
