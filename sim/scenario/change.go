package scenario

import (
	"fmt"

	"github.com/scale-eval/scale-eval/sim"
)

// Event is a change at a time, for a while or for good.
type Event struct {
	At, For int64 // ns of measured time; For 0: for good
	Change  Change
}

// Change is something that happens to a system: one type a verb of the file.
type Change interface {
	// Begin does it, at a share of the load.
	Begin(sys *sim.System, share float64)
	// End undoes it.
	End(sys *sim.System, share float64)
	// String says it in words.
	String() string
	lasts() bool // it can be undone
}

type injection struct {
	sys   *sim.System
	e     *Event
	share float64
}

// Kinds of an injection's events.
const (
	begin = iota
	end
)

// Handle implements [sim.Handler].
func (i *injection) Handle(arg uint64) {
	if arg == begin {
		i.e.Change.Begin(i.sys, i.share)
		return
	}
	i.e.Change.End(i.sys, i.share)
}

// Slow is the verb slow: an operation takes longer, or fails. An empty Operation is
// all of the service.
type Slow struct {
	Service, Operation string
	Fault              sim.Fault
}

// Begin implements [Change].
func (c *Slow) Begin(sys *sim.System, _ float64) { sys.SetFault(c.Service, c.Operation, c.Fault) }

// End implements [Change].
func (c *Slow) End(sys *sim.System, _ float64) { sys.SetFault(c.Service, c.Operation, sim.Fault{}) }
func (c *Slow) lasts() bool                    { return true }

// String implements [Change].
func (c *Slow) String() string {
	s := c.Service
	if c.Operation != "" {
		s += "." + c.Operation
	}
	if f := c.Fault; f.Slow > 0 {
		s += fmt.Sprintf(" %gx slower", f.Slow)
	}
	if f := c.Fault; f.Extra > 0 {
		s += fmt.Sprintf(" +%g s", f.Extra)
	}
	if f := c.Fault; f.ErrorRate > 0 {
		s += fmt.Sprintf(" fails %g %%", 100*f.ErrorRate)
	}
	return s
}

// Throttle is the verb throttle: a share of the CPU of every pod is left.
type Throttle struct {
	Service string
	Left    float64
}

// Begin implements [Change].
func (c *Throttle) Begin(sys *sim.System, _ float64) { sys.SetThrottle(c.Service, c.Left) }

// End implements [Change].
func (c *Throttle) End(sys *sim.System, _ float64) { sys.SetThrottle(c.Service, 1) }
func (c *Throttle) lasts() bool                    { return true }

// String implements [Change].
func (c *Throttle) String() string {
	return fmt.Sprintf("%s throttled to %g %% of its CPU", c.Service, 100*c.Left)
}

// Kill is the verb kill: the oldest pods die and are replaced.
type Kill struct {
	Service string
	Pods    int
}

// Begin implements [Change].
func (c *Kill) Begin(sys *sim.System, _ float64) { sys.Kill(c.Service, c.Pods) }

// End implements [Change].
func (c *Kill) End(*sim.System, float64) {}
func (c *Kill) lasts() bool              { return false }

// String implements [Change].
func (c *Kill) String() string { return fmt.Sprintf("%d pods of %s killed", c.Pods, c.Service) }

// LoseZone is the verb lose_zone: its nodes are gone and come back empty.
type LoseZone struct{ Zone string }

// Begin implements [Change].
func (c *LoseZone) Begin(sys *sim.System, _ float64) { sys.SetZone(c.Zone, false) }

// End implements [Change].
func (c *LoseZone) End(sys *sim.System, _ float64) { sys.SetZone(c.Zone, true) }
func (c *LoseZone) lasts() bool                    { return true }

// String implements [Change].
func (c *LoseZone) String() string { return "zone " + c.Zone + " lost" }

// Leak is the verb leak: containers grow; what has leaked stays until they restart.
type Leak struct {
	Service      string
	MiBPerSecond float64
}

// Begin implements [Change].
func (c *Leak) Begin(sys *sim.System, _ float64) { sys.SetLeak(c.Service, c.MiBPerSecond) }

// End implements [Change].
func (c *Leak) End(sys *sim.System, _ float64) { sys.SetLeak(c.Service, 0) }
func (c *Leak) lasts() bool                    { return true }

// String implements [Change].
func (c *Leak) String() string {
	return fmt.Sprintf("%s leaks %g MiB/s", c.Service, c.MiBPerSecond)
}

// Grow is the verb grow: every pod holds more memory, such as a larger data set.
type Grow struct {
	Service string
	MiB     float64
}

// Begin implements [Change].
func (c *Grow) Begin(sys *sim.System, _ float64) { sys.SetExtraMemory(c.Service, c.MiB) }

// End implements [Change].
func (c *Grow) End(sys *sim.System, _ float64) { sys.SetExtraMemory(c.Service, 0) }
func (c *Grow) lasts() bool                    { return true }

// String implements [Change].
func (c *Grow) String() string {
	return fmt.Sprintf("%g MiB more in every pod of %s", c.MiB, c.Service)
}

// Neighbour is the verb neighbour: all pods of a node compute slower.
type Neighbour struct {
	Node   string
	Slower float64 // factor >= 1
}

// Begin implements [Change].
func (c *Neighbour) Begin(sys *sim.System, _ float64) {
	sys.SetNodeSpeed(c.Node, c.Slower, "noisy-neighbour")
}

// End implements [Change].
func (c *Neighbour) End(sys *sim.System, _ float64) { sys.SetNodeSpeed(c.Node, 1, "") }
func (c *Neighbour) lasts() bool                    { return true }

// String implements [Change].
func (c *Neighbour) String() string {
	return fmt.Sprintf("a noisy neighbour on %s: its pods %gx slower", c.Node, c.Slower)
}

// Users is the verb users: a closed load changes.
type Users struct {
	Client       string
	Users, After int // while it lasts, and behind it
}

// Begin implements [Change].
func (c *Users) Begin(sys *sim.System, share float64) {
	sys.SetUsers(c.Client, portion(c.Users, share))
}

// End implements [Change].
func (c *Users) End(sys *sim.System, share float64) { sys.SetUsers(c.Client, portion(c.After, share)) }
func (c *Users) lasts() bool                        { return true }

// String implements [Change].
func (c *Users) String() string { return fmt.Sprintf("%d users of %s", c.Users, c.Client) }

// RateLimit is the verb rate_limit: whatever is above it is refused (HTTP 429).
type RateLimit struct {
	Service   string
	PerSecond float64
}

// Begin implements [Change].
func (c *RateLimit) Begin(sys *sim.System, _ float64) { sys.SetRateLimit(c.Service, c.PerSecond) }

// End implements [Change].
func (c *RateLimit) End(sys *sim.System, _ float64) { sys.SetRateLimit(c.Service, 0) }
func (c *RateLimit) lasts() bool                    { return true }

// String implements [Change].
func (c *RateLimit) String() string {
	return fmt.Sprintf("%s answers 429 above %g requests per second", c.Service, c.PerSecond)
}

// Cap is the verb worker_cap: how many requests a pod works on at once.
type Cap struct {
	Service        string
	Threads, After int
}

// Begin implements [Change].
func (c *Cap) Begin(sys *sim.System, _ float64) { sys.SetThreads(c.Service, c.Threads) }

// End implements [Change].
func (c *Cap) End(sys *sim.System, _ float64) { sys.SetThreads(c.Service, c.After) }
func (c *Cap) lasts() bool                    { return true }

// String implements [Change].
func (c *Cap) String() string {
	return fmt.Sprintf("%d threads a pod of %s", c.Threads, c.Service)
}

// portion is a share of n users, rounded.
func portion(n int, share float64) int { return int(float64(float64(n)*share) + .5) }
