package live

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

const (
	// explains is the part of a span's excess that a callee's self time must make up
	// to be its explanation.
	explains = 0.5
	// maxCandidates bounds the calls below one slow span, and maxWatched the slow
	// spans of one trace: a hostile trace must not cost its size cubed.
	maxCandidates = 256
	maxWatched    = 32
)

// verdict is who made one span slow.
type verdict struct {
	known      bool // its trace was there to be looked at
	incomplete bool // parents were missing
	diffuse    bool // no call explains half of the excess: the span's own service is named
	service    string
	call       trace.Call
	waiting    bool    // the time passed in a client before or without a server span
	self       int64   // ns
	normal     float64 // baseline of the self time, 0: unknown
	excess     float64
	// queue is the service whose requests wait because the cause keeps its workers
	// longer; "": the cause is slow by itself.
	queue string
}

// candidate collects the self time in excess of one call below a slow span. Calls
// are summed, so a hundred slightly slow queries explain what none of them does.
type candidate struct {
	service string
	call    trace.Call
	waiting bool
	depth   int
	self    int64
	normal  float64
	excess  float64
	longest int32 // the span of it with the longest self time
	most    int64 // that time
}

// judge says who made span i of the view slow. Within what the span waited for, it
// is the deepest call whose self time, beyond what is normal, makes up half of the
// span's excess; if no call does, the service whose calls do together. Where that
// time is spent before anything else begins, it may be a queue: then the cause is
// whoever fills it, see filler.
//
// What counts as whose time:
//
//   - a client span's own time is its callee's, or that of the peer it names: the
//     network, a connection pool, the callee's accept queue;
//   - a producer span's own time is the broker's, if it names one;
//   - a consumer span is never waited for, whoever its parent is;
//   - a callee that runs on after its caller gave up counts up to there;
//   - attempts of one call add up, and the pause after a failed attempt is the
//     callee's: nobody would pause if it had not failed.
func (p *Pipeline) judge(v *traceView, i int32) verdict {
	s := &v.spans[i]
	excess := float64(s.dur)
	if m := p.stats[s.call].duration.known(); m < excess { // false for NaN
		excess -= m
	}
	v.candidates = v.candidates[:0]
	p.collect(v, i, s, 0)
	own := verdict{known: true, incomplete: v.orphans > 0, diffuse: true, excess: excess,
		service: p.serviceOf(s.call).name, call: s.call, self: v.self[i], normal: p.normalSelf(s.call)}
	best := deepest(v.candidates, func(c *candidate) bool { return c.excess >= float64(explains*excess) })
	if best == nil {
		best = together(v.candidates, own.service, float64(explains*excess))
	}
	cause, at := own, i
	if best != nil {
		cause, at = best.verdict(own), best.longest
	}
	for range maxQueues {
		c := p.filler(v, at)
		if c == nil {
			break
		}
		queue := p.serviceOf(v.spans[at].call).name
		cause, at = c.verdict(own), c.longest
		cause.queue = queue
	}
	return cause
}

// maxQueues is how many queues, each behind the other, are followed.
const maxQueues = 8

func (c *candidate) verdict(own verdict) verdict {
	return verdict{known: true, incomplete: own.incomplete, excess: own.excess, service: c.service, call: c.call,
		waiting: c.waiting, self: c.self, normal: c.normal}
}

func deepest(candidates []candidate, accept func(*candidate) bool) (best *candidate) {
	for k := range candidates {
		if c := &candidates[k]; accept(c) && (best == nil || deeper(c, best)) {
			best = c
		}
	}
	return best
}

// together adds up the calls of each service but own and returns the one with the
// largest excess, if that is at least enough, as its call with the largest part.
func together(candidates []candidate, own string, enough float64) *candidate {
	var best *candidate
	for k := range candidates {
		if candidates[k].service == own {
			continue
		}
		sum, part := candidates[k], candidates[k].excess
		for j := range candidates {
			if c := &candidates[j]; j != k && c.service == sum.service {
				sum.self, sum.normal, sum.excess = sum.self+c.self, sum.normal+c.normal, sum.excess+c.excess
				if c.excess > part {
					sum.call, sum.waiting, sum.longest, part = c.call, c.waiting, c.longest, c.excess
				}
			}
		}
		if sum.excess >= enough && (best == nil || sum.excess > best.excess) {
			best = &sum
		}
	}
	return best
}

// filler is who fills the queue that span i waited in, nil: there is none, or it is
// the service itself. A request waits for a worker before it calls anybody, so the
// time before the first child is the wait, as far as it is not normal. The queue
// grows with the time that a request keeps its worker once it has one. When most of
// that is spent in one callee, and the callee takes longer than normal, more workers
// would only queue at the callee. When it does not, the queue is due to load, and
// the service itself wants capacity.
func (p *Pipeline) filler(v *traceView, i int32) *candidate {
	s, own := &v.spans[i], p.serviceOf(v.spans[i].call).name
	if s.kind == KindClient || s.kind == KindProducer {
		return nil
	}
	wait := s.dur
	for c := v.first[i]; c >= 0; c = v.next[c] {
		if !v.spans[c].kind.async() {
			wait = min(wait, max(v.spans[c].start-s.start, 0))
		}
	}
	held, excess := s.dur-wait, float64(v.self[i])-p.normalSelf(s.call)
	if held == 0 || excess <= 0 || float64(wait) < float64(explains*excess) {
		return nil
	}
	v.candidates = v.candidates[:0]
	p.collect(v, i, s, 0)
	return deepest(v.candidates, func(c *candidate) bool {
		return c.service != own && c.normal > 0 && float64(c.self) >= float64(selfGrowth*c.normal) && float64(c.self) >= float64(explains*float64(held))
	})
}

func deeper(a, b *candidate) bool {
	if a.depth != b.depth {
		return a.depth > b.depth
	}
	return a.excess > b.excess
}

// collect walks what slow waited for, from span i down. Views have no cycles, and
// their depth is bounded by MaxTraceSpans.
func (p *Pipeline) collect(v *traceView, i int32, slow *bufSpan, depth int) {
	s := &v.spans[i]
	// What reaches beyond the slow span did not make it slow.
	self := min(v.self[i], min(s.end(), slow.end())-max(s.start, slow.start))
	self -= p.pauses(v, i, self, depth)
	if self > 0 {
		p.accuse(v, i, self, depth)
	}
	for c := v.first[i]; c >= 0; c = v.next[c] {
		if !v.spans[c].kind.async() {
			p.collect(v, c, slow, depth+1)
		}
	}
}

// pauses blames the pauses between a failed attempt and the next one of the same
// call, up to self ns, on the callee. It returns how much that was.
func (p *Pipeline) pauses(v *traceView, i int32, self int64, depth int) (sum int64) {
	v.failed = v.failed[:0]
	for c := v.first[i]; c >= 0; c = v.next[c] {
		if v.spans[c].failed() && len(v.failed) < maxAttempts {
			v.failed = append(v.failed, c)
		}
	}
	for _, f := range v.failed {
		end, next := v.spans[f].end(), int64(math.MaxInt64)
		for c := v.first[i]; c >= 0; c = v.next[c] {
			if k := &v.spans[c]; k.call == v.spans[f].call && k.start >= end && c != f {
				next = min(next, k.start)
			}
		}
		if next == math.MaxInt64 {
			continue // it was the last attempt
		}
		if pause := min(next-end, self-sum); pause > 0 {
			p.accuse(v, f, pause, depth+1)
			sum += pause
		}
	}
	return sum
}

// maxAttempts bounds the failed attempts below one span that are looked at.
const maxAttempts = 32

// accuse adds self time to the call of span i.
func (p *Pipeline) accuse(v *traceView, i int32, self int64, depth int) {
	s := &v.spans[i]
	service, waiting := p.responsible(v, i)
	normal := p.normalSelf(s.call)
	k := slices.IndexFunc(v.candidates, func(c candidate) bool { return c.call == s.call && c.service == service })
	if k < 0 {
		if len(v.candidates) == maxCandidates {
			return
		}
		k = len(v.candidates)
		v.candidates = append(v.candidates, candidate{service: service, call: s.call, waiting: waiting})
	}
	c := &v.candidates[k]
	c.depth = max(c.depth, depth)
	if self > c.most {
		c.longest, c.most = i, self
	}
	c.self += self
	c.normal += normal
	c.excess += max(0, float64(self)-normal)
}

func (p *Pipeline) normalSelf(call trace.Call) float64 {
	if m := p.stats[call].self.known(); !math.IsNaN(m) {
		return m
	}
	return 0
}

// responsible is the service that the self time of span i belongs to. A client
// span's own time is time on the network, in a connection pool or in the callee's
// accept queue: it is the callee's, or that of the peer it names.
func (p *Pipeline) responsible(v *traceView, i int32) (service string, waiting bool) {
	s := &v.spans[i]
	own := p.serviceOf(s.call)
	if s.kind != KindClient && s.kind != KindProducer {
		return own.name, false
	}
	for c := v.first[i]; c >= 0 && s.kind == KindClient; c = v.next[c] {
		if callee := p.serviceOf(v.spans[c].call); callee != own {
			return callee.name, true
		}
	}
	if s.peer > 0 {
		return p.peers.name(s.peer), true
	}
	return own.name, false
}

// Blame is the verdict on the breaches of a rule.
type Blame struct {
	Service    string `json:"service"` // the cause
	Call       string `json:"call"`
	Votes      int    `json:"votes"`                // breaches it explains
	Of         int    `json:"of"`                   // breaches with a verdict
	Unseen     int    `json:"unseen,omitempty"`     // breaches whose trace was gone
	Incomplete int    `json:"incomplete,omitempty"` // verdicts on traces with missing parents
	Diffuse    bool   `json:"diffuse,omitempty"`    // nothing below explains half of the excess
	Waiting    bool   `json:"waiting,omitempty"`    // time before the callee's span began, or of a callee without spans
	// Queue is the service whose requests wait for a worker because the cause keeps
	// its workers longer; "": there is no such queue.
	Queue    string  `json:"queue,omitempty"`
	SelfNs   int64   `json:"self_ns"`          // median self time in those breaches
	NormalNs float64 `json:"normal_ns"`        // its baseline; 0: unknown
	Others   []Vote  `json:"others,omitempty"` // most votes first
}

// Vote is another service that breaches were blamed on.
type Vote struct {
	Service string `json:"service"`
	Votes   int    `json:"votes"`
}

func (b *Blame) String() string {
	what := "self time"
	if b.Waiting {
		what = "waiting for it"
	}
	s := fmt.Sprintf("%d of %d blamed on %s (%s %v, normally %v)", b.Votes, b.Of, b.Call, what,
		time.Duration(b.SelfNs).Round(time.Microsecond), time.Duration(b.NormalNs).Round(time.Microsecond))
	if b.Queue != "" {
		s += ", which keeps the workers of " + b.Queue + " while its requests queue"
	}
	if b.Diffuse {
		s += ", no callee explains it"
	}
	if b.Incomplete > 0 {
		s += fmt.Sprintf(", %d traces incomplete", b.Incomplete)
	}
	if b.Unseen > 0 {
		s += fmt.Sprintf(", %d traces gone", b.Unseen)
	}
	for _, o := range b.Others {
		s += fmt.Sprintf(", %d on %s", o.Votes, o.Service)
	}
	return s
}

// tally makes one Blame of the verdicts; nil when there is none. It reorders them.
func (p *Pipeline) tally(known []verdict, unseen int) *Blame {
	if len(known) == 0 {
		return nil
	}
	votes := countVotes(known)
	b := &Blame{Service: votes[0].Service, Votes: votes[0].Votes, Of: len(known), Unseen: unseen, Others: votes[1:]}
	mine := slices.DeleteFunc(known, func(v verdict) bool {
		if v.incomplete {
			b.Incomplete++
		}
		return v.service != b.Service
	})
	slices.SortStableFunc(mine, func(x, y verdict) int { return cmp.Compare(x.self, y.self) })
	m := mine[len(mine)/2]
	b.SelfNs, b.NormalNs, b.Diffuse, b.Waiting, b.Queue = m.self, m.normal, m.diffuse, m.waiting, m.queue
	b.Call = p.calls.Name(m.call)
	if own := p.calls.Service(m.call); own != b.Service {
		b.Call = fmt.Sprintf("%s (by %s)", b.Service, b.Call)
	}
	return b
}

// countVotes counts verdicts by service: most first, then by name.
func countVotes(verdicts []verdict) []Vote {
	var votes []Vote
	for _, v := range verdicts {
		i := slices.IndexFunc(votes, func(o Vote) bool { return o.Service == v.service })
		if i < 0 {
			i = len(votes)
			votes = append(votes, Vote{Service: v.service})
		}
		votes[i].Votes++
	}
	slices.SortFunc(votes, func(a, b Vote) int {
		return cmp.Or(cmp.Compare(b.Votes, a.Votes), cmp.Compare(a.Service, b.Service))
	})
	return votes
}
