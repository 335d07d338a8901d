package live

import (
	"fmt"
	"time"
)

// Period is a stretch of each week: Days (Sunday is 0), From to To in minutes after
// midnight in Zone. To <= From crosses midnight and belongs to the day it starts.
type Period struct {
	Days     [7]bool
	From, To int            // 0..1440; 0 and 1440 are the whole day
	Zone     *time.Location // nil: UTC
}

// Validate reports a minute out of range or a period without days.
func (p Period) Validate() error {
	if p.Days == [7]bool{} {
		return fmt.Errorf("want at least one day")
	}
	if p.From < 0 || p.From >= 1440 || p.To < 0 || p.To > 1440 {
		return fmt.Errorf("want times from 00:00 to 24:00, found minutes %d to %d", p.From, p.To)
	}
	return nil
}

// Contains says whether now, ns since the Unix epoch, lies in the period.
func (p Period) Contains(now int64) bool {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	t := time.Unix(0, now).In(zone)
	minute, day := t.Hour()*60+t.Minute(), int(t.Weekday())
	if p.From < p.To {
		return p.Days[day] && minute >= p.From && minute < p.To
	}
	return p.Days[day] && minute >= p.From || p.Days[(day+6)%7] && minute < p.To
}

// active says whether now lies in any of the periods; none means always.
func active(periods []Period, now int64) bool {
	for _, p := range periods {
		if p.Contains(now) {
			return true
		}
	}
	return len(periods) == 0
}
