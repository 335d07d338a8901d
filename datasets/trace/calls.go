package trace

import (
	"fmt"
	"strings"
)

// Call is a dense number for one service::operation pair, 0..Calls.Len()-1, so
// that samplers index slices instead of hashing strings. Numbers are given in
// order of first sight and mean nothing outside their Calls table: persist names.
type Call uint32

// OverflowCall is shared by every name that arrived after the table was full.
const OverflowCall Call = 0

// DefaultMaxCalls bounds a Calls table that was not told otherwise.
const DefaultMaxCalls = 100_000

type callKey struct{ service, operation string }

// Calls interns calls. Operations are sanitised first, so that "/user/7" and
// "/user/8" are one call. Not safe for concurrent use.
type Calls struct {
	max       int
	sanitiser *Sanitiser
	ids       map[callKey]Call
	names     []callKey
	clean     map[string]string // raw operation -> sanitised, bounded by max
	overflow  int64
}

// NewCalls makes a table of at most max calls besides OverflowCall. A nil
// sanitiser leaves operation names as they are. It panics if max < 1.
//
// Memory is O(max): names that do not fit are not stored.
func NewCalls(max int, sanitiser *Sanitiser) *Calls {
	if max < 1 {
		panic("trace: a Calls table needs room for at least one call")
	}
	return &Calls{
		max:       max,
		sanitiser: sanitiser,
		ids:       map[callKey]Call{},
		names:     []callKey{{"", "(overflow)"}},
		clean:     map[string]string{},
	}
}

// Of is the call of a service and a raw operation name, adding it if it is new
// and there is room; otherwise OverflowCall, counted in Overflowed.
func (c *Calls) Of(service, operation string) Call {
	return c.OfSanitised(service, c.sanitise(operation))
}

// OfSanitised is Of for an operation name that was sanitised before, as those of
// another table are: rules may change a name again when they see it twice.
func (c *Calls) OfSanitised(service, operation string) Call {
	k := callKey{service, operation}
	if id, ok := c.ids[k]; ok {
		return id
	}
	if len(c.names) > c.max {
		c.overflow++
		return OverflowCall
	}
	// The names may be views into a batch that would be kept alive by them.
	k = callKey{strings.Clone(k.service), strings.Clone(k.operation)}
	id := Call(len(c.names))
	c.ids[k] = id
	c.names = append(c.names, k)
	return id
}

// sanitise remembers its answers, because rules are regular expressions and the
// same operation comes millions of times.
func (c *Calls) sanitise(operation string) string {
	if c.sanitiser == nil {
		return operation
	}
	if s, ok := c.clean[operation]; ok {
		return s
	}
	s := c.sanitiser.Clean(operation)
	if len(c.clean) < 4*c.max {
		c.clean[strings.Clone(operation)] = s
	}
	return s
}

// Len is the number of calls, OverflowCall included: every Call is below it.
func (c *Calls) Len() int { return len(c.names) }

// Overflowed is how often Of answered OverflowCall.
func (c *Calls) Overflowed() int64 { return c.overflow }

// Service is the service name of a call, "" for OverflowCall.
func (c *Calls) Service(id Call) string { return c.names[id].service }

// Operation is the sanitised operation name of a call.
func (c *Calls) Operation(id Call) string { return c.names[id].operation }

// Name is the "service::operation" of a call, the paper's call name.
func (c *Calls) Name(id Call) string {
	return fmt.Sprintf("%s::%s", c.names[id].service, c.names[id].operation)
}
