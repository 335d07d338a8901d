package sim

import (
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/sim/random"
)

// client is a Client at work.
type client struct {
	sys    *System
	spec   *Client
	calls  []call
	total  float64 // of the weights
	pools  []pool
	users  int
	active []bool // by user: has a request or thinks
	id     uint64 // high half of its trace ids
	sent   uint64

	arrivals, think, mix, factors *random.Stream

	instants *reader[int64]   // of arrivals; nil: they are drawn
	thought  *reader[float64] // think times; nil: they are drawn
}

// openLoad is the event argument of an arrival; anything less is a user's number.
const openLoad = ^uint64(0)

// Handle implements [Handler]: an arrival, or a user who has thought enough.
func (c *client) Handle(arg uint64) {
	if arg == openLoad {
		c.send(-1)
		c.nextArrival()
		return
	}
	if user := int(arg); user < c.users {
		c.send(user)
	} else {
		c.active[user] = false
	}
}

func (c *client) nextArrival() {
	now := c.sys.clock.Now()
	if at, ok := c.following(now); ok && at < MaxTime {
		c.sys.clock.After(at-now, c, openLoad)
	}
}

// following is the arrival behind the one now.
func (c *client) following(now int64) (at int64, ok bool) {
	if c.instants != nil {
		at = c.instants.take()
		return at, at != never
	}
	return c.spec.Arrivals.Next(now, c.arrivals)
}

// setUsers lets users come (they think first) or go (when they have their answer).
func (c *client) setUsers(n int) {
	c.users = n
	for len(c.active) < n {
		c.active = append(c.active, false)
	}
	for u := range n {
		if !c.active[u] {
			c.active[u] = true
			c.thinks(u)
		}
	}
}

func (c *client) thinks(user int) {
	d := int64(0)
	switch {
	case c.thought != nil:
		d = ns(c.thought.take())
	case c.spec.Think != nil:
		d = ns(c.spec.Think.Sample(c.think))
	}
	c.sys.clock.After(d, c, uint64(user))
}

// send begins a request.
func (c *client) send(user int) {
	s := c.sys
	i := c.choose()
	r := s.newRequest()
	r.client, r.choice, r.user, r.start = c, i, user, s.clock.Now()
	c.sent++
	r.trace = trace.TraceID{Hi: c.id, Lo: c.sent}
	if s.onBegin != nil {
		s.onBegin(c.spec.Name, r.start)
	}
	if s.factors {
		for i := range r.factors {
			r.factors[i] = c.factors.Normal()
		}
	}
	f := s.newFlight(&c.calls[i], r, nil)
	f.root = true
	f.attempt()
}

func (c *client) choose() int {
	if len(c.calls) == 1 {
		return 0
	}
	u := c.mix.Uniform() * c.total
	for i := range c.calls {
		if u < c.spec.Mix[i].Weight {
			return i
		}
		u -= c.spec.Mix[i].Weight
	}
	return len(c.calls) - 1
}

// Outcome is what a client saw of one request.
type Outcome struct {
	Client string
	Choice int   // index in its Mix
	Start  int64 // ns
	End    int64 // ns
	OK     bool
}

// requestDone is called when the client has its answer; work for nobody may go on.
func (s *System) requestDone(r *request, ok bool) {
	c := r.client
	if s.onRequest != nil {
		s.onRequest(Outcome{c.spec.Name, r.choice, r.start, s.clock.Now(), ok})
	}
	if r.user < 0 {
		return
	}
	if r.user >= c.users {
		c.active[r.user] = false
		return
	}
	c.thinks(r.user)
}
