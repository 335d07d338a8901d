package gtrace

import (
	"errors"
	"time"
)

// clock parses startTime. Rows of one second follow each other, so it remembers
// the last text.
type clock struct {
	loc  *time.Location
	text [19]byte
	ns   int64
}

var errClock = errors.New("want YYYY-MM-DD HH:MM:SS, in 1678 to 2261")

// parse returns ns since 1970.
func (c *clock) parse(b []byte) (int64, error) {
	if len(b) != len(c.text) {
		return 0, errClock
	}
	if string(b) == string(c.text[:]) {
		return c.ns, nil
	}
	t, err := time.ParseInLocation(time.DateTime, string(b), c.loc)
	// Years beyond these do not fit int64 ns.
	if err != nil || t.Year() < 1678 || t.Year() > 2261 {
		return 0, errClock
	}
	copy(c.text[:], b)
	c.ns = t.Unix() * 1e9
	return c.ns, nil
}
