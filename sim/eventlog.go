package sim

import (
	"io"
	"strconv"
)

// Event is something that happened to a pod, or a change from outside.
type Event struct {
	At      int64  // ns
	Kind    string // e.g. ready, scale, fault
	Service string // or node, zone, client
	Pod     string
	Detail  string
}

func (s *System) event(kind string, p *pod, detail string) {
	if s.onEvent != nil {
		s.onEvent(Event{s.clock.Now(), kind, p.service.spec.Name, p.name, detail})
	}
}

func (s *System) note(kind, service, detail string) {
	if s.onEvent != nil {
		s.onEvent(Event{s.clock.Now(), kind, service, "", detail})
	}
}

// EventLog writes events and outcomes as JSON lines. Two runs of one topology with
// one seed write the same bytes.
type EventLog struct {
	w   io.Writer
	buf []byte
	err error
}

// NewEventLog writes to w, a line a Write: give it a buffered writer.
func NewEventLog(w io.Writer) *EventLog { return &EventLog{w: w} }

// Err is the first error of the writer; nothing is written behind it.
func (l *EventLog) Err() error { return l.err }

// Event writes e; give it to [System.OnEvent].
func (l *EventLog) Event(e Event) {
	l.begin(e.At, e.Kind)
	l.text("service", e.Service)
	l.text("pod", e.Pod)
	l.text("detail", e.Detail)
	l.end()
}

// Request writes o; give it to [System.OnRequest].
func (l *EventLog) Request(o Outcome) {
	l.begin(o.End, "request")
	l.text("client", o.Client)
	l.buf = strconv.AppendInt(append(l.buf, `,"choice":`...), int64(o.Choice), 10)
	l.buf = strconv.AppendInt(append(l.buf, `,"start_ns":`...), o.Start, 10)
	l.buf = strconv.AppendBool(append(l.buf, `,"ok":`...), o.OK)
	l.end()
}

func (l *EventLog) begin(at int64, kind string) {
	l.buf = append(l.buf[:0], `{"at_ns":`...)
	l.buf = strconv.AppendInt(l.buf, at, 10)
	l.text("event", kind)
}

// text leaves empty fields out.
func (l *EventLog) text(field, value string) {
	if value == "" {
		return
	}
	l.buf = append(append(append(l.buf, `,"`...), field...), `":`...)
	l.buf = appendJSON(l.buf, value)
}

func (l *EventLog) end() {
	l.buf = append(l.buf, "}\n"...)
	if l.err == nil {
		_, l.err = l.w.Write(l.buf)
	}
}

// appendJSON quotes s; names in a topology are arbitrary strings.
func appendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
