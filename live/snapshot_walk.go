package live

import (
	"maps"
	"math"
	"slices"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// walk is the format. What comes later refers to calls, services and verdicts that
// came before. Open traces, which are most of it, come last: they are written while the
// pipeline goes on.
func (p *Pipeline) walk(c *codec) {
	p.walkCalls(c)
	p.services.walk(c)
	list(c, &p.stats, c.calls, func(s *callStats) { s.walk(c) })
	if c.reading {
		p.stats = append(p.stats, make([]callStats, c.calls-len(p.stats))...)
	}
	p.peers.walk(c)
	p.targets.walk(c)
	p.audit.walk(c)
	c.document(&p.counters)
	c.integers(&p.traces.full, &p.audit.failed, &p.now, &p.clock, &p.started, &p.heard, &p.admitted, &p.admittedT)
	resumed := p.resumed != nil // a second restart does not make up for the first
	if c.flags(&p.ticked, &resumed); resumed {
		if c.reading {
			p.resumed = new(int64)
		}
		integer(c, p.resumed)
	}
	p.walkRules(c)
	if c.reading {
		p.traces.read(c)
	} else {
		p.traces.beginSaving(c)
	}
}

// walkCalls gives the calls the numbers that they had.
func (p *Pipeline) walkCalls(c *codec) {
	n := p.calls.Len()
	integer(c, &n)
	if c.reading && (n < 1 || n > len(c.buf)+1) {
		c.fail("%d calls", n)
		n = 1
	}
	c.calls = n
	for i := 1; i < n && !c.bad(); i++ {
		service, operation := "", ""
		if !c.reading {
			service, operation = p.calls.Service(trace.Call(i)), p.calls.Operation(trace.Call(i))
		}
		c.texts(&service, &operation)
		if c.reading && !c.bad() && p.calls.Of(service, operation) != trace.Call(i) {
			c.fail("call %s::%s has no place of its own: max_calls is less than the %d calls that were tracked, or names are sanitised in another way", clip(service, 40), clip(operation, 80), n-1)
		}
	}
}

func (t *services) walk(c *codec) {
	most := c.calls // and those of the calls, which have one each at most
	list(c, &t.order, most, func(s **service) {
		if c.reading {
			*s = &service{load: newBuckets[loadCount](loadBucket, loadSpan)}
		}
		(*s).walk(c)
		if c.reading {
			t.byName[(*s).name] = *s
		}
	})
	if c.reading && len(t.byName) != len(t.order) {
		c.fail("a service is there twice")
	}
}

func (s *service) walk(c *codec) {
	c.text(&s.name)
	s.load.walk(c, func(l *loadCount) {
		c.integers(&l.arrivals, &l.completions, &l.served)
		c.numbers(&l.busy, &l.time, &l.squares)
	})
	known := s.usage != nil
	if c.flags(&known); known {
		if c.reading {
			s.usage = &Usage{}
		}
		u := s.usage
		integer(c, &u.At)
		c.numbers(&u.CPU, &u.Memory, &u.Throttled, &u.Busy)
	}
	c.integers(&s.hotLast, &s.ref.arrivals)
	c.numbers(&s.ref.seconds, &s.ref.inFlight, &s.ref.mean)
	list(c, &s.entries, c.calls, c.call)
}

// walk walks the buckets that have been filled. Without a ring it reads past them.
func (b *buckets[T]) walk(c *codec, each func(*T)) {
	var filled []bucket[T]
	for e := range b.filled {
		filled = append(filled, *e)
	}
	list(c, &filled, math.MaxInt32, func(e *bucket[T]) {
		integer(c, &e.no)
		each(&e.v)
		if !c.reading || b.n == 0 {
			return
		}
		if e.no < minTime/b.width || e.no > maxTime/b.width {
			c.fail("a bucket out of the range of time")
		} else if at := b.at(e.no * b.width); at != nil {
			*at = e.v
		}
	})
}

func (p *peers) walk(c *codec) {
	list(c, &p.names, maxPeers, c.text)
	if c.reading {
		p.ids = map[string]uint16{}
		for i, name := range p.names {
			p.ids[name] = uint16(i + 1)
		}
	}
	c.peers = len(p.names)
}

func walkSpans(c *codec, spans *[]bufSpan, most int) {
	list(c, spans, most, func(s *bufSpan) {
		word(c, &s.id)
		word(c, &s.parent)
		c.integers(&s.start, &s.dur)
		c.call(&s.call)
		integer(c, &s.peer)
		integer(c, &s.kind)
		sampled, failed := s.sampled(), s.failed()
		c.flags(&sampled, &failed)
		if c.reading && sampled {
			s.flags |= spanSampled
		}
		if c.reading && failed {
			s.flags |= spanFailed
		}
		if c.reading && (int(s.peer) > c.peers || s.dur < 0 || s.dur > maxTime || s.start < minTime || s.start > maxTime) {
			c.fail("a span of an open trace is out of range")
		}
	})
}

func (t *openTrace) walkWatched(c *codec) {
	list(c, &t.watched, maxWatched, func(w *watched) {
		word(c, &w.span)
		c.verdict(&w.where)
		if c.reading && w.where == nil {
			c.fail("a watched span without a verdict")
		}
	})
}

func (t *targets) walk(c *codec) {
	keys := slices.SortedFunc(maps.Keys(t.states), Target.compare)
	list(c, &keys, 1<<20, func(k *Target) {
		c.target(k)
		st := t.states[*k]
		if c.reading {
			st = &targetState{spec: t.spec(*k)}
			t.states[*k] = st
		}
		st.walk(c)
	})
}

func (c *codec) target(t *Target) { c.texts(&t.Kind, &t.Namespace, &t.Name) }

func (st *targetState) walk(c *codec) {
	integer(c, &st.missingSince)
	st.done.walk(c)
	st.tried.walk(c)
	// The last thing done is the same to both, unless a dry run came after it.
	same := st.done.act != nil && st.tried.act == st.done.act
	if c.flags(&same); same && c.reading {
		st.tried.act = st.done.act
	}
}

func (h *history) walk(c *codec) {
	const most = 1 << 20
	c.flags(&h.changed)
	integer(c, &h.last)
	list(c, &h.wants, most, func(w *want) {
		integer(c, &w.at)
		integer(c, &w.direction)
		integer(c, &w.kind)
		integer(c, &w.to)
	})
	list(c, &h.changes, most, func(ch *change) {
		integer(c, &ch.at)
		integer(c, &ch.direction)
		integer(c, &ch.from)
		integer(c, &ch.to)
	})
	acted := h.act != nil
	if c.flags(&acted); !acted {
		return
	}
	if c.reading {
		h.act = &lastAct{}
	}
	l := h.act
	c.text(&l.prompted)
	c.integers(&l.at, &l.effective)
	integer(c, &l.direction)
	integer(c, &l.to)
	list(c, &l.changes, most, func(r *ResourceChange) {
		c.text(&r.Container)
		integer(c, &r.Resource)
		c.flags(&r.Limit)
		c.integers(&r.From, &r.To)
	})
}

func (l *auditLog) walk(c *codec) {
	keys := slices.SortedFunc(maps.Keys(l.last), Target.compare)
	list(c, &keys, 1<<20, func(k *Target) {
		c.target(k)
		v := l.last[*k]
		c.texts(&v.rule, (*string)(&v.reason), &v.err)
		if c.reading {
			if l.last == nil {
				l.last = map[Target]auditKey{}
			}
			l.last[*k] = v
		}
	})
}

func (s *callStats) walk(c *codec) {
	s.flush()
	c.integers(&s.count, &s.errors, &s.sampled, &s.tickCount)
	c.flags(&s.entry)
	s.duration.walk(c)
	s.self.walk(c)
	s.rest.walk(c)
	t := &s.trend
	integer(c, &t.ticks)
	c.numbers(&s.tickSum, &t.rate, &t.mean, &t.variance, &t.up, &t.down)
}

func (b *baseline) walk(c *codec) {
	b.filling.walk(c)
	b.full.walk(c)
	integer(c, &b.turned)
	c.flags(&b.begun)
	c.numbers(&b.median)
}

// sketchBin is a bin of a sketch; zeros are the bin below all others.
type sketchBin struct {
	index int32
	count int64
}

func (s *sketch) walk(c *codec) {
	known := s.dd != nil
	c.flags(&known)
	if !known {
		return
	}
	var bins []sketchBin
	if c.reading {
		s.begin()
	} else {
		s.bins.ForEach(func(index int, count float64) bool {
			bins = append(bins, sketchBin{int32(index), int64(count)})
			return false
		})
	}
	zeros := int64(s.dd.GetZeroCount())
	integer(c, &zeros)
	list(c, &bins, sketchBins, func(b *sketchBin) {
		integer(c, &b.index)
		integer(c, &b.count)
	})
	if !c.reading || c.bad() {
		return
	}
	least, most := sketchMapping.Index(1), sketchMapping.Index(math.MaxInt64)
	for _, b := range bins {
		if b.count < 0 || int(b.index) < least || int(b.index) > most {
			c.fail("a sketch has %d durations in bin %d", b.count, b.index)
			return
		}
		s.bins.AddWithCount(int(b.index), float64(b.count))
	}
	if zeros < 0 {
		c.fail("a sketch has %d zeros", zeros)
	} else if zeros > 0 {
		_ = s.dd.AddWithCount(0, float64(zeros)) // in range
	}
}
