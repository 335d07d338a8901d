package story

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live"
)

// maxSpans bounds the spans on their way.
const maxSpans = 200_000

// line is one span of a trace template.
type line struct {
	depth        int
	service, op  string
	dur, offset  time.Duration
	kind         live.SpanKind
	drop, orphan bool
	status       live.Status
	attributes   []live.Attribute
}

// trace sends the input's tree of spans, n times. They arrive during later ticks.
func (s *stage) trace(b *Block) error {
	o, err := parseOptions(b.Args)
	if err != nil {
		return err
	}
	from, err := o.duration("from")
	if err != nil {
		return err
	}
	wait := time.Duration(0)
	if _, ok := o["wait"]; ok {
		if wait, err = o.duration("wait"); err != nil {
			return err
		}
	}
	n, every, delay, err := o.repeats()
	if err != nil {
		return err
	}
	lines, err := parseLines(b.Input)
	if err != nil {
		return err
	}
	if n*len(lines)+len(s.due) > maxSpans {
		return fmt.Errorf("%d spans on their way, want at most %d", n*len(lines)+len(s.due), maxSpans)
	}
	for i := range n {
		s.sendTrace(waiting(lines, time.Duration(i)*wait), from+time.Duration(i)*every, delay)
	}
	return nil
}

// waiting is the tree when its second line waits for so long before it starts what
// is below it, or the first when there is none.
func waiting(lines []line, wait time.Duration) []line {
	if wait == 0 {
		return lines
	}
	out := slices.Clone(lines)
	queue := min(1, len(out)-1)
	for i := range out {
		if i <= queue {
			out[i].dur += wait
		} else {
			out[i].offset += wait
		}
	}
	return out
}

// repeats are how often, how far apart, and how long after its end a span arrives:
// below zero for a clock that is ahead.
func (o options) repeats() (n int, every, delay time.Duration, err error) {
	n = 1
	if v, ok := o["n"]; ok {
		if n, err = strconv.Atoi(v); err != nil || n < 0 || n > maxSpans {
			return 0, 0, 0, fmt.Errorf("n=%s: want a count", v)
		}
	}
	if _, ok := o["every"]; ok {
		if every, err = o.duration("every"); err != nil {
			return 0, 0, 0, err
		}
	}
	if _, ok := o["late"]; ok {
		delay, err = o.duration("late")
	} else if _, ok := o["early"]; ok {
		delay, err = o.duration("early")
		delay = -delay
	}
	return n, every, delay, err
}

// sendTrace sends one copy of the tree. Children come first, as they end first.
func (s *stage) sendTrace(lines []line, at, delay time.Duration) {
	s.nextID++
	id, start := trace.TraceID{Lo: s.nextID}, s.zero.Add(at).UnixNano()
	var path []int // the line that is the last one of each depth
	spans := make([]live.Span, len(lines))
	for i, l := range lines {
		path = append(path[:l.depth], i)
		sp := &spans[i]
		sp.TraceID, sp.ID = id, trace.SpanID(s.nextID<<16+uint64(i)+1)
		if l.depth > 0 {
			sp.ParentID = spans[path[l.depth-1]].ID
		}
		if l.orphan {
			sp.ParentID = 1 // nobody's
		}
		sp.Service, sp.Operation, sp.SpanKind, sp.Status, sp.Attributes = l.service, l.op, l.kind, l.status, l.attributes
		sp.Start, sp.Duration = start+int64(l.offset), int64(l.dur)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		s.due = append(s.due, delayed{spans[i].End() + int64(delay), spans[i], scripted{lines[i].drop}})
	}
}

func refusedText(refused map[string]int) string {
	out := ""
	for _, err := range []error{live.ErrNegative, live.ErrFuture, live.ErrLate, live.ErrDuplicate} {
		if n := refused[err.Error()]; n > 0 {
			out += fmt.Sprintf("%d refused: %v\n", n, err)
		}
	}
	return out
}

func parseLines(input string) ([]line, error) {
	var out []line
	for i, text := range strings.Split(strings.TrimSuffix(input, "\n"), "\n") {
		l, err := parseLine(text)
		if err != nil {
			return nil, fmt.Errorf("span %d: %w", i+1, err)
		}
		if len(out) == 0 && l.depth > 0 || len(out) > 0 && l.depth > out[len(out)-1].depth+1 {
			return nil, fmt.Errorf("span %d: indented too far", i+1)
		}
		out = append(out, l)
	}
	return out, nil
}

func parseLine(text string) (l line, err error) {
	trimmed := strings.TrimLeft(text, " ")
	l.depth = (len(text) - len(trimmed)) / 2
	words := strings.Fields(trimmed)
	if len(words) < 2 {
		return l, errors.New("want service::operation duration[@offset] [kind] [words]")
	}
	var ok bool
	if l.service, l.op, ok = strings.Cut(words[0], "::"); !ok {
		return l, fmt.Errorf("%q: want service::operation", words[0])
	}
	dur, offset, hasOffset := strings.Cut(words[1], "@")
	if l.dur, err = time.ParseDuration(dur); err != nil {
		return l, err
	}
	if hasOffset {
		if l.offset, err = time.ParseDuration(offset); err != nil {
			return l, err
		}
	}
	for _, w := range words[2:] {
		if err := l.word(w); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (l *line) word(w string) (err error) {
	key, value, isAttribute := strings.Cut(w, "=")
	switch {
	case isAttribute:
		l.attributes = append(l.attributes, live.Attribute{Key: key, Value: value})
	case w == "unsampled":
		l.drop = true
	case w == "orphan":
		l.orphan = true
	case w == "error":
		l.status = live.StatusError
	default:
		l.kind, err = live.ParseSpanKind(w)
	}
	return err
}
