package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

// A replayed log must have the same lines, all of them and no more.
func TestSameLines(t *testing.T) {
	const log = "{\"a\":1}\n{\"b\":2}\n"
	for name, c := range map[string]struct{ was, now, want string }{
		"the same":       {log, log, ""},
		"a line less":    {log, "{\"a\":1}\n", "line 2: the run ends; the log goes on"},
		"a line more":    {"{\"a\":1}\n", log, "line 2: the log ends"},
		"another":        {log, "{\"a\":1}\n{\"b\":3}\n", "line 2: the log has"},
		"cut off":        {log[:len(log)-3], log, "line 2: the log has"},
		"an endless one": {strings.Repeat("x", 1<<17), "{\"a\":1}\n", "line 1: the log has"},
	} {
		s := &sameLines{was: bufio.NewReader(strings.NewReader(c.was))}
		var err error
		for line := range strings.Lines(c.now) {
			if _, err = io.WriteString(s, line); err != nil {
				break
			}
		}
		if err == nil {
			err = s.end()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
