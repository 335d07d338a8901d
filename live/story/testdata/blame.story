# One slow database makes five callers slow. Each of them breaks a rule; one action
# comes out, on the database, and lists the others.
rules
version: 1
targets:
- {target: statefulset/shop/db, services: [db], max: 5, cooldown: {up: 5m}}
rules:
- name: slow
  match: {kind: server}
  when: {latency: 300ms, times: 3, within: 30s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=0s n=30 every=100ms
web::GET 50ms server unsampled
  cart::/list 40ms@5ms server unsampled
    stock::/all 30ms@5ms server unsampled
      price::/of 20ms@5ms server unsampled
        tax::/rate 12ms@5ms server unsampled
          db::query 6ms@5ms server unsampled
----

tick 15s
----

trace from=16s n=3 every=1s
web::GET 850ms server
  cart::/list 840ms@5ms server
    stock::/all 830ms@10ms server
      price::/of 820ms@15ms server
        tax::/rate 812ms@20ms server
          db::query 806ms@25ms server
----

tick 35s
----
35s acted: statefulset/shop/db up 1 -> 2: rule slow: latency > 300ms, 3 times within 30s; db 3 spans, needs 3 over 300ms (median 806ms, max 806ms); 3 of 3 blamed on db::query (self time 806ms, normally 6.05ms); folds slow on tax (horizontal up, wanted 1: the same); folds slow on price (horizontal up, wanted 1: the same); folds slow on stock (horizontal up, wanted 1: the same); folds slow on cart (horizontal up, wanted 1: the same); folds slow on web (horizontal up, wanted 1: the same)

# Now cart itself is slow: 700 ms of its own beside a fast database.
trace from=60s n=3 every=1s
web::GET 850ms server
  cart::/list 840ms@5ms server
    db::query 6ms@25ms server
----

tick 75s
----
1m15s acted: service/cart up 1 -> 2: rule slow: latency > 300ms, 3 times within 30s; cart 3 spans, needs 3 over 300ms (median 840ms, max 840ms); 3 of 3 blamed on cart::/list (self time 834ms, normally 9.933ms); folds slow on web (horizontal up, wanted 1: the same)
