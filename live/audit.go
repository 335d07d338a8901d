package live

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
)

// auditLog writes decisions as JSON lines.
type auditLog struct {
	w      io.Writer
	last   map[Target]auditKey // of targets held at the last tick
	failed int64
}

type auditKey struct {
	rule   string
	reason Reason
	err    string
}

// auditLine is one line of the audit log. Field names are part of the format.
type auditLine struct {
	Time string `json:"time"` // RFC 3339 with nanoseconds, UTC
	Decision
	Explanation string `json:"explanation"`
}

// write logs the decisions of a tick. All are tried; the first error is returned.
func (l *auditLog) write(decisions []Decision) error {
	if l.w == nil {
		return nil
	}
	var first error
	held := map[Target]auditKey{}
	for i := range decisions {
		d := &decisions[i]
		if d.Outcome == Held {
			key, target := auditKey{d.Why.Rule, d.Reason, d.Err}, d.auditTarget()
			held[target] = key
			if l.last[target] == key {
				continue
			}
		}
		if err := l.line(d); err != nil {
			l.failed++
			if first == nil {
				first = err
			}
		}
	}
	l.last = held
	return first
}

// auditTarget tells services without a target apart.
func (d *Decision) auditTarget() Target {
	if d.Target.IsZero() {
		return Target{Name: d.Service}
	}
	return d.Target
}

func (l *auditLog) line(d *Decision) error {
	return writeLine(l.w, auditLine{time.Unix(0, d.At).UTC().Format(time.RFC3339Nano), *d, d.String()})
}

// writeLine writes v as one line of JSON in one Write. ">" stays ">": people read
// these lines.
func writeLine(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
