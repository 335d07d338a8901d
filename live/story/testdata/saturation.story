# The paper's first scenario, a tenth of its size: a queue before at most 10 workers
# that take 100 ms each, so 100 a second. The replicas of this target are workers, and
# max is the most there may be. 60 a second come; then 130 do. Completions stay at 100
# a second, and the time is that of the queue: neither says what is needed.
rules
version: 1
settings: {trace_wait: 0s, lateness: 0s}
targets:
- {target: pool/workers, services: [worker], min: 10, max: 200}
rules:
- name: workers
  match: {service: worker}
  when: {always: true, within: 40s, min_spans: 100}
  spans: all
  then: {horizontal: {concurrency: 0.9}}
  settle: 10s
----
ok

slow pool/workers
----

replicas pool/workers 10
----

tick 0s
----

trace from=0s n=7200 every=16.667ms
worker::job 100ms server unsampled
----

# 6 in flight need 7 workers at .9 each, and 10 is the least there may be.
tick 10s until=120s every=10s
----
10s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 594 spans; 59.4/s x 100ms = 5.94 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
20s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 1194 spans; 59.7/s x 100ms = 5.97 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
30s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 1794 spans; 59.8/s x 100ms = 5.98 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
40s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2394 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
50s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
1m0s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
1m10s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
1m20s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
1m30s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
1m40s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
1m50s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
2m0s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2400 spans; 59.9/s x 100ms = 5.99 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already

# The load jumps at 120 s. Ten more seconds are waited for.
trace from=120s n=6500 every=7.692ms wait=2.308ms
worker::job 100ms server
----

tick 121s until=150s every=4s
----
2m1s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2437 spans; 60/s x 100ms = 6 in flight; wanted 7, bounds are 10 to 200; it has 10 replicas already
2m5s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2597 spans; 60/s x 109.744ms = 6.58 in flight, without waiting (they take 206.514ms); wanted 8, bounds are 10 to 200; it has 10 replicas already
2m9s held (no-change): pool/workers stays at 10: rule workers: always, over 40s; worker 2757 spans; 60/s x 109.744ms = 6.58 in flight, without waiting (they take 220.431ms); wanted 8, bounds are 10 to 200; it has 10 replicas already
2m13s held (unknown): pool/workers stays: rule workers: always, over 40s; worker 2917 spans; its load has just changed: waiting for 10s of the new one
2m17s acted: pool/workers up 10 -> 16: rule workers: always, over 40s; worker 3077 spans; 130/s x 109.744ms = 14.3 in flight, without waiting (they take 2.383766s), of which only 100/s are served
2m21s held (settle): pool/workers stays: rule workers: always, over 40s; worker 3237 spans; 130/s x 109.744ms = 14.3 in flight, without waiting (they take 2.960766s), of which only 100/s are served; what was done 4s ago is not effective yet
2m25s held (settle): pool/workers stays: rule workers: always, over 40s; worker 3397 spans; 130/s x 109.744ms = 14.3 in flight, without waiting (they take 4.114766s), of which only 100/s are served; what was done 8s ago is not effective yet
2m29s held (settle): pool/workers stays: rule workers: always, over 40s; worker 3557 spans; 130/s x 109.744ms = 14.3 in flight, without waiting (they take 4.114766s), of which only 100/s are served; what was done 12s ago is not effective yet

# What was done is effective at 155 s, and the queue is gone at 170 s.
replicas pool/workers 15
----

tick 155s
----
2m35s held (settle): pool/workers stays: rule workers: always, over 40s; worker 3797 spans; 130/s x 109.744ms = 14.3 in flight, without waiting (they take 5.268766s), of which only 100/s are served; settling for 10s more
