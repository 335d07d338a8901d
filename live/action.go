package live

import (
	"fmt"
	"math"
)

// Target is what an orchestrator scales. It is comparable, so it can key a map.
type Target struct {
	// Kind is a resource as the orchestrator knows it: "deployment", "statefulset",
	// "rollouts.argoproj.io", … "service" asks it to find the workload by the name.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String is kind/namespace/name, or kind/name without a namespace.
func (t Target) String() string {
	if t.Namespace == "" {
		return t.Kind + "/" + t.Name
	}
	return t.Kind + "/" + t.Namespace + "/" + t.Name
}

// IsZero says that no target was set.
func (t Target) IsZero() bool { return t == Target{} }

// compare orders targets by kind, namespace, name.
func (t Target) compare(u Target) int {
	switch {
	case t.Kind != u.Kind:
		return cmpString(t.Kind, u.Kind)
	case t.Namespace != u.Namespace:
		return cmpString(t.Namespace, u.Namespace)
	}
	return cmpString(t.Name, u.Name)
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Kind is how a target is scaled.
type Kind uint8

const (
	// Horizontal changes the number of replicas.
	Horizontal Kind = iota
	// Vertical changes the CPU and memory of each replica.
	Vertical
	// Auto asks the kind of bottleneck to choose (equation 5 of the paper). An
	// Auto action never reaches an orchestrator.
	Auto
)

var kindNames = [...]string{"horizontal", "vertical", "auto"}

// String is "horizontal", "vertical" or "auto".
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Direction is which way a target is scaled.
type Direction int8

// The directions. Hold is a decision not to scale.
const (
	Down Direction = -1
	Hold Direction = 0
	Up   Direction = 1
)

// String is "down", "hold" or "up".
func (d Direction) String() string {
	switch {
	case d < 0:
		return "down"
	case d > 0:
		return "up"
	}
	return "hold"
}

// MarshalText is String.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// AmountMode is how the size of an action is given.
type AmountMode uint8

const (
	// Step adds or removes Value replicas, milli-cores or bytes.
	Step AmountMode = iota
	// Percent adds or removes Value percent of what is there; at least one replica.
	Percent
	// Factor multiplies what is there by Value (up) or divides by it (down).
	Factor
	// Absolute sets Value, and the direction follows from what is there.
	Absolute
)

// Amount is the size of an action before the orchestrator's current state is known.
type Amount struct {
	Mode  AmountMode
	Value float64 // above 0, finite
}

// String is the amount as an operator would say it, e.g. "50 %" or "x2.5".
func (a Amount) String() string {
	switch a.Mode {
	case Step:
		return fmt.Sprintf("%g", a.Value)
	case Percent:
		return fmt.Sprintf("%g %%", a.Value)
	case Factor:
		return fmt.Sprintf("x%.3g", a.Value)
	}
	return fmt.Sprintf("to %g", a.Value)
}

// stays is String for a hold.
func (a *Action) stays() string {
	switch {
	case a.From == 0:
		return fmt.Sprintf("%s stays", a.Target)
	case a.From == a.To:
		return fmt.Sprintf("%s stays at %d", a.Target, a.From)
	}
	return fmt.Sprintf("%s stays at %d, not %d", a.Target, a.From, a.To)
}

// apply is from changed by the amount: rounded up on the way up, down on the way
// down. The result is clamped to 0..MaxInt32 for replicas by the caller.
func (a Amount) apply(from int64, d Direction) int64 {
	f, v := float64(from), a.Value
	switch a.Mode {
	case Step:
		return max(0, from+int64(d)*int64(min(math.Ceil(v), math.MaxInt64/4)))
	case Percent:
		v = f * (1 + float64(float64(d)*v)/100)
	case Factor:
		if d == Down {
			v = f / v
		} else {
			v = f * v
		}
	}
	if !(v > 0) && d != Up {
		return 0
	}
	if v >= math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return roundAway(v, from, d, a.Mode)
}

// roundAway makes sure that an action changes something: 10 % of 3 replicas is one.
func roundAway(v float64, from int64, d Direction, m AmountMode) int64 {
	if m == Absolute {
		return int64(math.Ceil(v))
	}
	// 1.1*10 is 11.000000000000002: not a reason for a twelfth replica.
	const slack = 1e-12
	if d == Down {
		return min(int64(math.Floor(v*(1+slack))), max(from-1, 0))
	}
	return max(int64(math.Ceil(v*(1-slack))), from+1)
}

// Resource is what a vertical action changes.
type Resource uint8

const (
	// CPU is in milli-cores.
	CPU Resource = iota
	// Memory is in bytes.
	Memory
)

// String is "cpu" or "memory".
func (r Resource) String() string {
	if r == CPU {
		return "cpu"
	}
	return "memory"
}

// MarshalText is String.
func (r Resource) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (r *Resource) UnmarshalText(text []byte) error {
	for _, known := range []Resource{CPU, Memory} {
		if string(text) == known.String() {
			*r = known
			return nil
		}
	}
	return fmt.Errorf("resource %q: want cpu or memory", clip(string(text), 40))
}

// Quantity is a value of the resource as Kubernetes writes it, exactly.
func (r Resource) Quantity(v int64) string {
	switch {
	case r == CPU:
		return fmt.Sprintf("%dm", v)
	case v > 0 && v%(1<<20) == 0:
		return fmt.Sprintf("%dMi", v>>20)
	}
	return fmt.Sprintf("%d", v)
}

// ResourceAmount is what a vertical action asks of one resource.
type ResourceAmount struct {
	Resource Resource
	Amount   Amount
	Requests bool // change the request
	Limits   bool // change the limit
}

// ResourceChange is one request or limit, before and after: milli-cores or bytes.
type ResourceChange struct {
	Container string   `json:"container,omitempty"` // "": the target's first
	Resource  Resource `json:"resource"`
	Limit     bool     `json:"limit"` // false: the request
	From      int64    `json:"from"`  // 0: not set
	To        int64    `json:"to"`
}

// Action asks for one change of one target. A rule fills in what it wants; the
// pipeline fills in Target, From, To and Changes from the target's current state
// before an orchestrator sees it.
type Action struct {
	Service   string    `json:"service"`
	Target    Target    `json:"target"`
	Kind      Kind      `json:"kind"`
	Direction Direction `json:"direction"`
	Priority  int       `json:"priority"` // higher wins a conflict of equal direction
	DryRun    bool      `json:"dry_run"`  // the orchestrator changes nothing
	At        int64     `json:"at"`       // the tick that decided, ns since the Unix epoch

	Amount  Amount           `json:"-"` // horizontal
	Amounts []ResourceAmount `json:"-"` // vertical

	From    int              `json:"from,omitempty"` // replicas; horizontal only
	To      int              `json:"to,omitempty"`
	Changes []ResourceChange `json:"changes,omitempty"` // vertical only

	Why Why `json:"why"`

	holdWhile []string // RuleSpec.NotWhile
	either    bool     // the direction follows from the amount
	carry     float64  // above 0: so many times the ready replicas are needed at least
	trouble   bool     // its rule fires, whatever became of it
	fallback  bool     // Amount says what to do when it cannot be made larger
	held      Reason   // why Direction is Hold
	blamed    string   // the service that its evidence points at; "": none
	prompted  string   // the name of the group whose spans ask for it
	evidence  evidence // see complete
}

// String is one line, e.g. "deployment/shop/cart up 3 -> 5"; without numbers that
// nobody knows.
func (a Action) String() string {
	if a.Direction == Hold {
		return a.stays()
	}
	s := fmt.Sprintf("%s %s", a.Target, a.Direction)
	if a.Kind == Horizontal {
		if a.From == 0 && a.To == 0 { // it was held before anybody asked how many there are
			return s
		}
		return fmt.Sprintf("%s %d -> %d", s, a.From, a.To)
	}
	for _, c := range a.Changes {
		which := "request"
		if c.Limit {
			which = "limit"
		}
		s += fmt.Sprintf(" %s.%s %s -> %s", c.Resource, which, c.Resource.Quantity(c.From), c.Resource.Quantity(c.To))
	}
	return s
}
