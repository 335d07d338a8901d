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
}

// judge says who made span i of the view slow. Within what the span waited for, it
// is the deepest call whose self time, beyond what is normal, makes up half of the
// span's excess.
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
	best := -1
	for k := range v.candidates {
		if v.candidates[k].excess >= float64(explains*excess) && (best < 0 || deeper(&v.candidates[k], &v.candidates[best])) {
			best = k
		}
	}
	if best < 0 {
		return own
	}
	c := &v.candidates[best]
	return verdict{known: true, incomplete: own.incomplete, excess: excess, service: c.service, call: c.call,
		waiting: c.waiting, self: c.self, normal: c.normal}
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
	if self > 0 {
		p.accuse(v, i, self, depth)
	}
	for c := v.first[i]; c >= 0; c = v.next[c] {
		if !v.spans[c].kind.async() {
			p.collect(v, c, slow, depth+1)
		}
	}
}

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
	if s.kind != KindClient {
		return own.name, false
	}
	for c := v.first[i]; c >= 0; c = v.next[c] {
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
	Service    string  `json:"service"` // the cause
	Call       string  `json:"call"`
	Votes      int     `json:"votes"`                // breaches it explains
	Of         int     `json:"of"`                   // breaches with a verdict
	Unseen     int     `json:"unseen,omitempty"`     // breaches whose trace was gone
	Incomplete int     `json:"incomplete,omitempty"` // verdicts on traces with missing parents
	Diffuse    bool    `json:"diffuse,omitempty"`    // nothing below explains half of the excess
	Waiting    bool    `json:"waiting,omitempty"`    // time before the callee's span began, or of a callee without spans
	SelfNs     int64   `json:"self_ns"`              // median self time in those breaches
	NormalNs   float64 `json:"normal_ns"`            // its baseline; 0: unknown
	Others     []Vote  `json:"others,omitempty"`     // most votes first
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

// tally makes one Blame of many verdicts; nil when none is known.
func (p *Pipeline) tally(verdicts []verdict) *Blame {
	known := slices.DeleteFunc(slices.Clone(verdicts), func(v verdict) bool { return !v.known })
	if len(known) == 0 {
		return nil
	}
	votes := countVotes(known)
	b := &Blame{Service: votes[0].Service, Votes: votes[0].Votes, Of: len(known), Unseen: len(verdicts) - len(known), Others: votes[1:]}
	mine := slices.DeleteFunc(known, func(v verdict) bool {
		if v.incomplete {
			b.Incomplete++
		}
		return v.service != b.Service
	})
	slices.SortStableFunc(mine, func(x, y verdict) int { return cmp.Compare(x.self, y.self) })
	m := mine[len(mine)/2]
	b.SelfNs, b.NormalNs, b.Diffuse, b.Waiting = m.self, m.normal, m.diffuse, m.waiting
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
