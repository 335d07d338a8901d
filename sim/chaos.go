package sim

import "fmt"

// rateLimited is the kind of fault of a request that a rate limit refused.
const rateLimited = "rate-limit"

// SetThrottle leaves the pods of a service, running and new ones, a share of their
// CPU limit, in (0, 1]; 1 ends it. It does nothing to pods without a limit, and
// panics on another share.
func (s *System) SetThrottle(service string, left float64) {
	if !(left > 0 && left <= 1) {
		panic(fmt.Sprintf("sim: throttled to a share of %v", left))
	}
	svc := s.service(service)
	svc.cpuLeft = left
	s.note("throttle", service, fmt.Sprintf("%g of the CPU", left))
	for _, p := range svc.pods {
		p.cpu.setCores(svc.cores())
	}
}

// cores is the CPU of a new processor, +Inf without a limit.
func (s *service) cores() float64 { return limit(s.template.cpu, s.spec.Pod.Law) * s.cpuLeft }

// SetRateLimit makes a service refuse at once what is above so many requests a
// second (HTTP 429): a token bucket that holds a second's worth, one request at least. 0 ends it. It
// panics on less, or NaN.
func (s *System) SetRateLimit(service string, perSecond float64) {
	if !(perSecond >= 0) {
		panic(fmt.Sprintf("sim: a limit of %v requests per second", perSecond))
	}
	s.service(service).limiter = limiter{perSecond: perSecond, tokens: perSecond, last: s.clock.Now()}
	s.note("rate-limit", service, fmt.Sprintf("%g requests per second", perSecond))
}

// limiter is a token bucket.
type limiter struct {
	perSecond, tokens float64
	last              int64
}

func (l *limiter) allows(now int64) bool {
	l.tokens = min(max(1, l.perSecond), l.tokens+float64(l.perSecond*float64(now-l.last)/1e9))
	l.last = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}
