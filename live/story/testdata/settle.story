# A rule that settles acts once on a breach, however long pods take to start and a
# backlog takes to drain: it waits until as many replicas are ready as it asked for,
# then settle, and then wants new evidence. The one without settle acts again and
# again on what the first action was about.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: patient
  match: {service: cart}
  when: {latency: 300ms, times: 3, within: 30s}
  then: {horizontal: {step: 2}}
  settle: 20s
- name: hasty
  match: {service: ads}
  when: {latency: 300ms, times: 3, within: 30s}
  then: {horizontal: {step: 2}}
----
ok

slow service/cart
----

slow service/ads
----

tick 0s
----

trace from=1s n=40 every=1s
cart::/add 500ms server
----

trace from=1s n=10 every=1s
ads::/get 500ms server
----

tick 5s until=15s every=5s
----
5s acted: service/ads up 1 -> 3: rule hasty: latency > 300ms, 3 times within 30s; ads 4 spans, needs 3 over 300ms (median 500ms, max 500ms); 4 of 4 blamed on ads::/get (self time 500ms, normally 0s)
5s acted: service/cart up 1 -> 3: rule patient: latency > 300ms, 3 times within 30s; cart 4 spans, needs 3 over 300ms (median 500ms, max 500ms); 4 of 4 blamed on cart::/add (self time 500ms, normally 0s)
10s acted: service/ads up 3 -> 5: rule hasty: latency > 300ms, 3 times within 30s; ads 9 spans, needs 3 over 300ms (median 500ms, max 500ms); 9 of 9 blamed on ads::/get (self time 500ms, normally 0s)
10s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 9 spans, needs 3 over 300ms (median 500ms, max 500ms); 9 of 9 blamed on cart::/add (self time 500ms, normally 0s); what was done 5s ago is not effective yet
15s acted: service/ads up 5 -> 7: rule hasty: latency > 300ms, 3 times within 30s; ads 10 spans, needs 3 over 300ms (median 500ms, max 500ms); 10 of 10 blamed on ads::/get (self time 500ms, normally 0s)
15s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 14 spans, needs 3 over 300ms (median 500ms, max 500ms); 14 of 14 blamed on cart::/add (self time 500ms, normally 0s); what was done 10s ago is not effective yet

# Two of the three are still starting: the change has no effect yet.
tick 30s
----
30s acted: service/ads up 7 -> 9: rule hasty: latency > 300ms, 3 times within 30s; ads 10 spans, needs 3 over 300ms (median 500ms, max 500ms); 10 of 10 blamed on ads::/get (self time 500ms, normally 0s)
30s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 29 spans, needs 3 over 300ms (median 500ms, max 500ms); 29 of 29 blamed on cart::/add (self time 500ms, normally 0s); what was done 25s ago is not effective yet

# It has now, at 40 s. What ended up to 60 s is of the time before.
replicas service/cart 3
----

tick 40s
----
40s acted: service/ads up 9 -> 11: rule hasty: latency > 300ms, 3 times within 30s; ads 10 spans, needs 3 over 300ms (median 500ms, max 500ms); 10 of 10 blamed on ads::/get (self time 500ms, normally 0s)
40s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 30 spans, needs 3 over 300ms (median 500ms, max 500ms); 30 of 30 blamed on cart::/add (self time 500ms, normally 0s); settling for 20s more

# The rules are read anew meanwhile; what was done is remembered, and so is what this
# rule saw.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: patient
  match: {service: cart}
  when: {latency: 300ms, times: 3, within: 30s}
  then: {horizontal: {step: 2}}
  settle: 20s
----
ok

tick 50s
----
50s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 30 spans, needs 3 over 300ms (median 500ms, max 500ms); 30 of 30 blamed on cart::/add (self time 500ms, normally 0s); settling for 10s more

trace from=53s n=5 every=1s
cart::/add 500ms server
----

tick 61s
----
1m1s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 20 spans, needs 3 over 300ms (median 500ms, max 500ms); 20 of 20 blamed on cart::/add (self time 500ms, normally 0s); 0 spans since the last action on it settled

# Only two of these three ended after the target had settled.
trace from=59.4s n=3 every=1s
cart::/add 500ms server
----

tick 63s
----
1m3s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 18 spans, needs 3 over 300ms (median 500ms, max 500ms); 18 of 18 blamed on cart::/add (self time 500ms, normally 0s); 2 spans since the last action on it settled

# This is new evidence.
trace from=63s
cart::/add 500ms server
----

tick 65s
----
1m5s acted: service/cart up 3 -> 5: rule patient: latency > 300ms, 3 times within 30s; cart 3 spans, needs 3 over 300ms (median 500ms, max 500ms); 3 of 3 blamed on cart::/add (self time 500ms, normally 0s)

# Pods that never start do not silence a rule for good: after ten minutes it goes on.
trace from=600s n=10 every=1s
cart::/add 500ms server
----

tick 611s
----
10m11s held (settle): service/cart stays: rule patient: latency > 300ms, 3 times within 30s; cart 10 spans, needs 3 over 300ms (median 500ms, max 500ms); 10 of 10 blamed on cart::/add (self time 500ms, normally 0s); what was done 9m6s ago is not effective yet

tick 666s
----

trace from=690s n=10 every=1s
cart::/add 500ms server
----

tick 701s
----
11m41s acted: service/cart up 5 -> 7: rule patient: latency > 300ms, 3 times within 30s; cart 10 spans, needs 3 over 300ms (median 500ms, max 500ms); 10 of 10 blamed on cart::/add (self time 500ms, normally 0s)

# Scaling down settles, too, and calm counts from there. It began to count when the
# service was first seen, at 701 s.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
rules:
- name: careful
  match: {service: web}
  when: {latency: 300ms, times: 3, within: 10s}
  then: {horizontal: {step: 1}}
  calm: {below: 50%, for: 60s, min_spans: 10, then: {horizontal: {step: 1}}}
  settle: 15s
----
ok

replicas service/web 5
----

trace from=701s n=300 every=1s
web::GET 50ms server unsampled
----

tick 710s until=870s every=10s
----
12m50s acted: service/web down 5 -> 4: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans
13m0s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 58 spans; settling for 15s more
13m10s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 58 spans; settling for 5s more
13m20s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 58 spans; calm for only 5s since the last action on it settled
13m30s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans; calm for only 15s since the last action on it settled
13m40s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans; calm for only 25s since the last action on it settled
13m50s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans; calm for only 35s since the last action on it settled
14m0s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans; calm for only 45s since the last action on it settled
14m10s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans; calm for only 55s since the last action on it settled
14m20s acted: service/web down 4 -> 3: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 59 spans
14m30s held (settle): service/web stays: rule careful: calm: nothing over 50 % of the threshold for 1m0s; web 58 spans; settling for 15s more

# Two rules see the same trouble, the second one later because it wants more of it. It
# does not act on what the first one has acted on.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
rules:
- name: eager
  match: {service: pay}
  when: {latency: 300ms, times: 2, within: 30s}
  then: {horizontal: {step: 1}}
  settle: 10s
- name: thorough
  match: {service: pay}
  when: {latency: 400ms, times: 4, within: 30s}
  then: {horizontal: {step: 5}}
  settle: 10s
----
ok

trace from=900s n=6 every=1s
pay::/card 500ms server
----

tick 902s until=920s every=3s
----
15m2s acted: service/pay up 1 -> 2: rule eager: latency > 300ms, 2 times within 30s; pay 2 spans, needs 2 over 300ms (median 500ms, max 500ms); 2 of 2 blamed on pay::/card (self time 500ms, normally 0s)
15m5s held (settle): service/pay stays: rule eager: latency > 300ms, 2 times within 30s; pay 5 spans, needs 2 over 300ms (median 500ms, max 500ms); 5 of 5 blamed on pay::/card (self time 500ms, normally 0s); settling for 10s more; folds thorough on pay (horizontal hold, wanted nothing: settling for 10s more)
15m8s held (settle): service/pay stays: rule eager: latency > 300ms, 2 times within 30s; pay 6 spans, needs 2 over 300ms (median 500ms, max 500ms); 6 of 6 blamed on pay::/card (self time 500ms, normally 0s); settling for 7s more; folds thorough on pay (horizontal hold, wanted nothing: settling for 7s more)
15m11s held (settle): service/pay stays: rule eager: latency > 300ms, 2 times within 30s; pay 6 spans, needs 2 over 300ms (median 500ms, max 500ms); 6 of 6 blamed on pay::/card (self time 500ms, normally 0s); settling for 4s more; folds thorough on pay (horizontal hold, wanted nothing: settling for 4s more)
15m14s held (settle): service/pay stays: rule eager: latency > 300ms, 2 times within 30s; pay 6 spans, needs 2 over 300ms (median 500ms, max 500ms); 6 of 6 blamed on pay::/card (self time 500ms, normally 0s); settling for 1s more; folds thorough on pay (horizontal hold, wanted nothing: settling for 1s more)
15m17s held (settle): service/pay stays: rule eager: latency > 300ms, 2 times within 30s; pay 6 spans, needs 2 over 300ms (median 500ms, max 500ms); 6 of 6 blamed on pay::/card (self time 500ms, normally 0s); 0 spans since the last action on it settled; folds thorough on pay (horizontal hold, wanted nothing: 0 spans since the last action on it settled)
15m20s held (settle): service/pay stays: rule eager: latency > 300ms, 2 times within 30s; pay 6 spans, needs 2 over 300ms (median 500ms, max 500ms); 6 of 6 blamed on pay::/card (self time 500ms, normally 0s); 0 spans since the last action on it settled; folds thorough on pay (horizontal hold, wanted nothing: 0 spans since the last action on it settled)
