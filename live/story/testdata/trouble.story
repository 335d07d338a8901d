# A target is not made smaller while a rule fires on it, even if that rule may not act
# just now: here the traces that would show the cause are still open. Calm of one
# operation says nothing about the other.
rules
version: 1
settings: {trace_wait: 8s, lateness: 0s}
rules:
- name: checkout-slow
  match: {service: cart, operation: /checkout}
  when: {latency: 300ms, times: 2, within: 10s}
  then: {horizontal: {step: 1}}
- name: list-calm
  match: {service: cart, operation: /list}
  when: {latency: 300ms, times: 2, within: 10s}
  then: {horizontal: {step: 1}}
  calm: {below: 50%, for: 10s, min_spans: 5, then: {horizontal: {step: 1}}}
----
ok

replicas service/cart 4
----

trace from=0s n=60 every=1s
cart::/list 20ms server unsampled
----

tick 0s
----

trace from=20s n=4 every=1s
cart::/checkout 500ms server
----

tick 20s until=35s every=5s
----
20s acted: service/cart down 4 -> 3: rule list-calm: calm: nothing over 50 % of the threshold for 10s; cart 9 spans
25s held (trouble): service/cart stays at 3, not 2: rule list-calm: calm: nothing over 50 % of the threshold for 10s; cart 9 spans; rule checkout-slow fires on it; folds checkout-slow on cart (horizontal hold, wanted nothing: the traces of its spans are still open)
30s acted: service/cart up 3 -> 4: rule checkout-slow: latency > 300ms, 2 times within 10s; cart 4 spans, needs 2 over 300ms (median 500ms, max 500ms); 2 of 2 blamed on cart::/checkout (self time 500ms, normally 0s)
