# What counts as whose time. First retries: three attempts of one call, each only a
# little slow, and pauses between them that nobody would make if they had not failed.
# Attempts add up, and the pauses are the callee's.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: slow
  match: {service: web}
  when: {latency: 1s, times: 1, within: 5s}
  then: {horizontal: {step: 1}}
----
ok

tick 0s
----

trace from=0s n=30 every=10ms
web::GET 60ms server unsampled
  web::call-pay 40ms@10ms client unsampled
    pay::charge 30ms@15ms server unsampled
  web::publish 5ms@52ms producer unsampled messaging.system=kafka
----

tick 1s
----

trace from=2s
web::GET 1500ms server
  web::call-pay 100ms@10ms client error
    pay::charge 90ms@15ms server error
  web::call-pay 100ms@510ms client error
    pay::charge 90ms@515ms server error
  web::call-pay 100ms@1210ms client
    pay::charge 90ms@1215ms server
----

tick 5s
----
5s acted: service/pay up 1 -> 2: rule slow: latency > 1s, 1 times within 5s; web 1 spans, needs 1 over 1s (median 1.5s, max 1.5s); 1 of 1 blamed on pay (by web::call-pay) (waiting for it 1.03s, normally 49.666ms)

# The caller gives up after a second, the callee runs on for five: up to where the
# caller gave up it is the callee's time.
trace from=10s
web::GET 1050ms server
  web::call-pay 1000ms@10ms client error
    pay::charge 5000ms@15ms server
----

tick 17s
----
17s acted: service/pay up 2 -> 3: rule slow: latency > 1s, 1 times within 5s; web 1 spans, needs 1 over 1s (median 1.05s, max 1.05s); 1 of 1 blamed on pay::charge (self time 1.035s, normally 30.137ms)

# A producer waits for its broker, not for whoever reads the message in the end.
trace from=30s
web::GET 1300ms server
  web::publish 1250ms@10ms producer messaging.system=kafka
    mailer::send 3000ms@1100ms consumer
----

tick 36s
----
36s held (no-target): service kafka: rule slow: latency > 1s, 1 times within 5s; web 2 spans, needs 1 over 1s (median 1.3s, max 1.3s); 2 of 2 blamed on kafka (by web::publish) (waiting for it 1.25s, normally 4.967ms); nothing is known that scales kafka

# No single call of the callee explains half of the excess, all of them together do.
trace from=50s
web::GET 1560ms server
  pay::charge 400ms@10ms server
  pay::refund 400ms@420ms server
  pay::report 400ms@830ms server
----

tick 54s
----
54s acted: service/pay up 3 -> 4: rule slow: latency > 1s, 1 times within 5s; web 1 spans, needs 1 over 1s (median 1.56s, max 1.56s); 1 of 1 blamed on pay::refund (self time 1.2s, normally 30.137ms)

# A consumer is judged by what it does itself: its parent, the producer, is long gone.
rules
version: 1
settings: {trace_wait: 0s}
rules:
- name: slow-consumer
  match: {kind: consumer}
  when: {latency: 1s, times: 1, within: 5s}
  then: {horizontal: {step: 1}}
----
ok

trace from=70s
web::GET 60ms server unsampled
  web::publish 5ms@20ms producer unsampled messaging.system=kafka
    mailer::send 3000ms@200ms consumer
      smtp::deliver 2900ms@250ms server
----

tick 74s
----
1m14s acted: service/smtp up 1 -> 2: rule slow-consumer: latency > 1s, 1 times within 5s; mailer 1 spans, needs 1 over 1s (median 3s, max 3s); 1 of 1 blamed on smtp::deliver (self time 2.9s, normally 0s)
