package sim

import "fmt"

// Sent is the number of requests that a client has begun, without its retries. It
// panics if there is no such client.
func (s *System) Sent(client string) uint64 {
	for _, c := range s.clients {
		if c.spec.Name == client {
			return c.sent
		}
	}
	panic(fmt.Sprintf("sim: no client %q", client))
}

// Usage is what a service occupies and works off now.
type Usage struct {
	Pods  int     // that exist, whatever their phase
	Cores float64 // their CPU limits; a pod without one counts as its request
	// Waiting and Present are requests without a thread, and all.
	Waiting, Present int
	// Worked is the CPU work done since the start, core-seconds at full speed.
	Worked float64
}

// Usage is that of a service now. It costs the pods of the service.
func (s *System) Usage(service string) Usage {
	svc := s.service(service)
	u := Usage{Pods: len(svc.pods), Waiting: svc.stats.Waiting, Present: svc.stats.Present, Worked: svc.gone / 1e9}
	for _, p := range svc.pods {
		u.Worked += p.cpu.workedUntil() / 1e9
		if c := p.cpu.cores; c > 0 && c < 1e9 {
			u.Cores += c
		} else {
			u.Cores += p.cpuRequest
		}
	}
	return u
}
