package sim

import (
	"math"

	"github.com/scale-eval/scale-eval/sim/random"
)

// call is a Call at work: its streams, its retry budget and its counts.
type call struct {
	spec   *Call
	from   string // service of the caller, "" for clients
	op     *operation
	net    *random.Stream
	jitter *random.Stream
	budget float64 // retries saved up
	stats  CallStats
	// timeouts are those of all attempts; nil: there are none. Each is as long as the
	// others, so they are due in the order in which they are set.
	timeouts *Lane
}

// CallStats counts what happened to one call of a topology since the last
// [System.ResetStats].
type CallStats struct {
	Attempts, Retries, Timeouts uint64
	Succeeded, Failed           uint64 // calls, after all their attempts
}

func (s *CallStats) done(ok bool) {
	if ok {
		s.Succeeded++
	} else {
		s.Failed++
	}
}

// network draws a delay one way, ns.
func (c *call) network() int64 {
	if c.spec.Network == nil {
		return 0
	}
	return ns(c.spec.Network.Sample(c.net))
}

// deposit earns the budget of a first attempt.
func (c *call) deposit() {
	if r := &c.spec.Retry; r.Budget > 0 {
		burst := r.BudgetBurst
		if burst == 0 {
			burst = 10
		}
		c.budget = min(burst, c.budget+r.Budget)
	}
}

// withdraw reports whether the budget allows a retry, and takes it.
func (c *call) withdraw() bool {
	if c.spec.Retry.Budget == 0 {
		return true
	}
	if c.budget < 1 {
		return false
	}
	c.budget--
	return true
}

// backoff is the wait before the retry that follows the given number of attempts, ns.
func (c *call) backoff(attempts int) int64 {
	r := &c.spec.Retry
	wait := float64(r.Backoff) * math.Exp2(float64(min(attempts-1, 40)))
	if r.Cap > 0 {
		wait = min(wait, float64(r.Cap))
	}
	if r.Jitter > 0 {
		wait *= 1 - float64(r.Jitter*c.jitter.Uniform())
	}
	return int64(min(wait, MaxTime/4))
}

// pool is a number of connections, and the calls that wait for one in order.
type pool struct {
	free int
	line ring[*flight]
}

// take reports whether there was a connection; otherwise f is sent when it has one.
func (p *pool) take(f *flight) bool {
	if p.free == 0 {
		f.ticket, f.inLine = p.line.push(f), true
		return false
	}
	p.free--
	f.connected = true
	return true
}

// give hands the connection to the next call in line.
func (p *pool) give() {
	f := p.line.pop()
	if f == nil {
		p.free++
		return
	}
	f.inLine, f.connected = false, true
	f.send()
}

func newPools(sizes []int) []pool {
	pools := make([]pool, len(sizes))
	for i, n := range sizes {
		pools[i].free = n
	}
	return pools
}

// ns turns seconds into nanoseconds, at most a quarter of all time.
func ns(seconds float64) int64 {
	return int64(math.Round(min(seconds*1e9, MaxTime/4)))
}
