package hst

import "fmt"

// Order is what comes first at each observation of a run.
type Order uint8

const (
	// ScoreThenLearn scores an observation against the window before it: no value
	// takes part in its own score. Test-then-train.
	ScoreThenLearn Order = iota
	// LearnThenScore is what the SCALE paper's code does. It differs at the last
	// observation of each window, which is scored against its own window.
	LearnThenScore
	numOrders
)

var orderNames = [numOrders]string{"score-then-learn", "learn-then-score"}

// String is "score-then-learn" or "learn-then-score".
func (o Order) String() string {
	if o >= numOrders {
		return fmt.Sprintf("order(%d)", uint8(o))
	}
	return orderNames[o]
}

// MarshalText is String; it errs for a value that has no name.
func (o Order) MarshalText() ([]byte, error) {
	if o >= numOrders {
		return nil, fmt.Errorf("hst: %v has no name", o)
	}
	return []byte(o.String()), nil
}

// UnmarshalText reads what ParseOrder reads.
func (o *Order) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOrder(string(text))
	return err
}

// ParseOrder is the inverse of String.
func ParseOrder(s string) (Order, error) {
	for i, name := range orderNames {
		if s == name {
			return Order(i), nil
		}
	}
	return 0, fmt.Errorf("hst: order %q: want score-then-learn or learn-then-score", clip(s, 40))
}
