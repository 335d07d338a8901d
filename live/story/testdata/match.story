# A rule looks at spans by service, operation (exact, glob, regular expression), kind
# and attributes. One slow span of each sort; each rule wants one.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: exact
  match: {service: web, operation: /checkout}
  when: {latency: 100ms, times: 1, within: 10s}
  by: call
  then: {target: deployment/exact, horizontal: {step: 1}}
- name: glob
  match: {service: 'glob:w*', operation: 'glob:/api/*/items'}
  when: {latency: 100ms, times: 1, within: 10s}
  then: {target: deployment/glob, horizontal: {step: 1}}
- name: regexp
  match: {service: web, operation: 're:^/v[0-9]+/'}
  when: {latency: 100ms, times: 1, within: 10s}
  then: {target: deployment/regexp, horizontal: {step: 1}}
- name: client-eu
  match: {kind: [client, producer], attributes: {region: 'glob:eu-*', tier: gold}}
  when: {latency: 100ms, times: 1, within: 10s}
  then: {target: deployment/client, horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=1s
web::/checkout 150ms server
----

tick 3s
----
3s acted: deployment/exact up 1 -> 2: rule exact: latency > 100ms, 1 times within 10s; web::/checkout 1 spans, needs 1 over 100ms (median 150ms, max 150ms); 1 of 1 blamed on web::/checkout (self time 150ms, normally 0s)

trace from=13s
web::/api/7/items 150ms server
----

tick 15s
----
15s acted: deployment/exact up 2 -> 3: rule exact: latency > 100ms, 1 times within 10s; web::/checkout 1 spans, needs 1 over 100ms (median 150ms, max 150ms); 1 of 1 blamed on web::/checkout (self time 150ms, normally 0s)
15s acted: deployment/glob up 1 -> 2: rule glob: latency > 100ms, 1 times within 10s; web 1 spans, needs 1 over 100ms (median 150ms, max 150ms); 1 of 1 blamed on web::/api/7/items (self time 150ms, normally 0s)

trace from=33s
web::/v2/x 150ms server
----

tick 35s
----
35s acted: deployment/regexp up 1 -> 2: rule regexp: latency > 100ms, 1 times within 10s; web 1 spans, needs 1 over 100ms (median 150ms, max 150ms); 1 of 1 blamed on web::/v2/x (self time 150ms, normally 0s)

trace from=53s
web::call 150ms client region=eu-west tier=gold
----

trace from=53s
web::call 160ms client region=us-east tier=gold
----

trace from=53s
web::call 170ms server region=eu-west tier=gold
----

tick 55s
----
55s acted: deployment/client up 1 -> 2: rule client-eu: latency > 100ms, 1 times within 10s; web 1 spans, needs 1 over 100ms (median 150ms, max 150ms); 1 of 1 blamed on web::call (self time 150ms, normally 0s)
