package sim

import (
	"fmt"

	"github.com/scale-eval/scale-eval/sim/policy"
)

// MetricsResolution is the time between two scrapes of the metrics server, ns: the
// default of metrics-server, and of many Prometheus installations.
const MetricsResolution = 15e9

// Names of the metrics that autoscalers can follow, besides "cpu" and "memory".
const (
	MetricRequests = "requests" // of a pod: requests a second that it completed
	MetricQueue    = "queue"    // of the service: requests without a thread
	MetricPresent  = "present"  // of the service: all its requests
)

// MetricsServer scrapes every pod at its resolution. CPU and rates are means over
// the last interval, so a pod has none before its second scrape: an autoscaler sees
// the past, a quarter of a minute coarse, as it does in a cluster.
type MetricsServer struct {
	sys    *System
	period int64
}

// scrape is what the server knows of a pod.
type scrape struct {
	at, window int64 // window 0: scraped at most once
	worked     float64
	served     uint64
	cpuMilli   int64
	rateMilli  int64
	memory     int64 // bytes
}

// NewMetricsServer begins to scrape, first after one period, ns.
func NewMetricsServer(s *System, period int64) *MetricsServer {
	if period <= 0 {
		panic("sim: a metrics server without a period")
	}
	m := &MetricsServer{s, period}
	s.clock.After(period, m, 0)
	return m
}

// Handle implements [Handler]: one scrape of everything.
func (m *MetricsServer) Handle(uint64) {
	now := m.sys.clock.Now()
	for _, svc := range m.sys.services {
		svc.queueMilli, svc.presentMilli = 1000*int64(svc.stats.Waiting), 1000*int64(svc.stats.Present)
		for _, p := range svc.pods {
			p.scrape(now)
		}
	}
	m.sys.clock.After(m.period, m, 0)
}

// running reports whether the pod has a container to measure.
func (p *pod) running() bool {
	return p.phase == phaseStarting || p.phase == phaseReady || p.phase == phaseDraining
}

func (p *pod) scrape(now int64) {
	if !p.running() {
		p.scraped = scrape{}
		return
	}
	worked, last := p.cpu.workedUntil(), p.scraped
	s := scrape{at: now, worked: worked, served: p.served, memory: int64(p.memory() * (1 << 20))}
	if last.at > 0 {
		s.window = now - last.at
		s.cpuMilli = int64(1000 * (worked - last.worked) / float64(s.window) / p.cpu.scale())
		s.rateMilli = int64(float64(p.served-last.served) * 1e12 / float64(s.window))
	}
	p.scraped = s
}

// Workload is a service as its autoscaler sees it now, for the first time.
func (m *MetricsServer) Workload(service string) *policy.Workload {
	return m.workload(service, 0)
}

// workload is what somebody sees who looked before at the event seen.
func (m *MetricsServer) workload(service string, seen uint64) *policy.Workload {
	svc := m.sys.service(service)
	w := &policy.Workload{
		Replicas: int32(svc.replicas), Current: int32(len(svc.pods)),
		Metrics: []policy.Sample{{Name: MetricQueue, Milli: svc.queueMilli}, {Name: MetricPresent, Milli: svc.presentMilli}},
	}
	for _, p := range svc.pods {
		w.Pods = append(w.Pods, p.view(seen))
	}
	return w
}

// view is the pod in the API for somebody who looked before at the event seen. Its phase
// there is Pending until the image is pulled.
func (p *pod) view(seen uint64) policy.Pod {
	v := policy.Pod{
		Name: p.name, Terminated: p.phase == phaseDraining, Pending: p.phase == phasePending || p.phase == phasePulling,
		Ready: p.phase == phaseReady, Started: p.bound, Transition: p.transition, OOMKilled: p.outOfMemory > seen,
	}
	if p.cpuRequest > 0 {
		v.Requests = append(v.Requests, policy.Sample{Name: "cpu", Milli: int64(1000 * p.cpuRequest)})
	}
	if p.memoryRequest > 0 {
		v.Requests = append(v.Requests, policy.Sample{Name: "memory", Milli: 1000 * int64(p.memoryRequest*(1<<20))})
	}
	if s := p.scraped; s.window > 0 {
		v.Metrics = []policy.Sample{
			{Name: "cpu", Milli: s.cpuMilli, At: s.at, Window: s.window},
			{Name: "memory", Milli: 1000 * s.memory, At: s.at, Window: s.window},
			{Name: MetricRequests, Milli: s.rateMilli, At: s.at, Window: s.window},
		}
	}
	return v
}

// CarryOut does what the autoscaler of a service decided.
type CarryOut func(service string, d policy.Decision)

// loop asks an autoscaler again and again and has done what it says.
type loop struct {
	metrics *MetricsServer
	service string
	scaler  policy.Autoscaler
	do      CarryOut
	seen    uint64 // the event at which it looked last
}

// Autoscale lets an autoscaler run a service, deciding first at time from, ns.
func (m *MetricsServer) Autoscale(service string, a policy.Autoscaler, from int64) {
	m.AutoscaleBy(service, a, from, m.sys.carryOut)
}

// AutoscaleBy is Autoscale with somebody else who carries the decisions out, such as
// a client of the Kubernetes API.
func (m *MetricsServer) AutoscaleBy(service string, a policy.Autoscaler, from int64, do CarryOut) {
	m.sys.service(service) // a wrong name shows here
	m.sys.clock.At(from, &loop{metrics: m, service: service, scaler: a, do: do}, 0)
}

// Handle implements [Handler]: one decision.
func (l *loop) Handle(uint64) {
	s := l.metrics.sys
	w := l.metrics.workload(l.service, l.seen)
	l.seen = s.clock.Fired()
	d := l.scaler.Decide(s.Now(), w)
	if d.Replicas != w.Replicas || d.CPURequestMilli > 0 || d.MemoryRequestBytes > 0 {
		s.note("decision", l.service, fmt.Sprintf("replicas %d -> %d, cpu %dm, memory %d: %s",
			w.Replicas, d.Replicas, d.CPURequestMilli, d.MemoryRequestBytes, d.Reason))
		l.do(l.service, d)
	}
	s.clock.After(l.scaler.Period(), l, 0)
}

// carryOut scales.
func (s *System) carryOut(service string, d policy.Decision) {
	s.SetReplicas(service, int(d.Replicas))
	s.SetResources(service, s.Wanted(service, d))
}

// Wanted is what a decision makes of the resources of a service's pods. Limits keep
// their ratio to the requests, as with the VPA; zero is what stays.
func (s *System) Wanted(service string, d policy.Decision) (r Resources) {
	t := &s.service(service).template
	if d.CPURequestMilli > 0 {
		r.CPURequest = float64(d.CPURequestMilli) / 1000
		r.CPULimit = proportional(t.cpu, t.cpuRequest, r.CPURequest)
	}
	if d.MemoryRequestBytes > 0 {
		r.MemoryRequestMiB = float64(d.MemoryRequestBytes) / (1 << 20)
		r.MemoryLimitMiB = proportional(t.memory, t.memoryRequest, r.MemoryRequestMiB)
	}
	return r
}

// proportional is the limit that goes with a new request; 0 leaves it alone.
func proportional(limit, old, request float64) float64 {
	if limit == 0 || old == 0 {
		return 0
	}
	return limit * (request / old)
}
