package sim

import "math"

// USL is the universal scalability law: n requests at once get the throughput of
// n / (1 + Sigma (n-1) + Kappa n (n-1)) single ones. Sigma >= 0 is contention
// (serial work), Kappa >= 0 is coherency (pairwise work), which makes throughput
// fall again (Gunther, Guerrilla Capacity Planning, 2007).
type USL struct{ Sigma, Kappa float64 }

// Speedup is the throughput of n requests at once relative to one.
func (u USL) Speedup(n int) float64 {
	x := float64(n)
	return x / (1 + float64(u.Sigma*(x-1)) + float64(u.Kappa*x*(x-1)))
}

// Peak is the highest speedup of any number of requests; 1 / Sigma when more requests
// never hurt, +Inf when they do not contend either.
func (u USL) Peak() float64 {
	if u.Kappa <= 0 {
		return 1 / u.Sigma
	}
	n := math.Sqrt(max(0, 1-u.Sigma) / u.Kappa)
	return max(1, u.Speedup(int(n)), u.Speedup(int(n)+1))
}

// processor serves all its jobs at once, each at an equal share of a speed that
// depends on how many there are: processor sharing. With at most as many jobs as
// cores each runs at full speed, which makes it the c servers of a FIFO queue too.
//
// It keeps one number for all jobs, the service that each has received since the
// processor was last idle. A job leaves when that number reaches its own mark, so an
// arrival or departure costs O(log n) whatever it does to the speed of the others.
type processor struct {
	clock *Clock
	cores float64 // +Inf: no limit
	usl   *USL
	speed float64 // 1; slower under a noisy neighbour or memory pressure; 0: stopped

	quota  quota
	marks  []*visit // binary heap on (mark, order)
	order  uint64
	given  float64 // service each job has received, ns
	rate   float64 // of given, per ns
	since  int64   // given is right at this time
	timer  Timer
	timed  *visit  // whose departure the timer is for
	worked float64 // core-ns of work done since the start
}

func newProcessor(clock *Clock, cores float64, usl *USL, period int64) processor {
	p := processor{clock: clock, cores: cores, usl: usl, speed: 1}
	if period > 0 && !math.IsInf(cores, 1) {
		p.quota = quota{period: period, perPeriod: cores * float64(period)}
	}
	return p
}

// add starts v's work, in ns of one core at full speed.
func (p *processor) add(v *visit, work float64) {
	p.advance()
	if len(p.marks) == 0 {
		p.given = 0
		if p.quota.period > 0 {
			p.quota.begin(p)
		}
	}
	p.order++
	v.mark, v.order = p.given+work, p.order
	v.heapIndex = int32(len(p.marks))
	p.marks = append(p.marks, v)
	p.up(int(v.heapIndex))
	p.reschedule()
}

// remove takes v out before its work is done, and returns what is left of it.
func (p *processor) remove(v *visit) (left float64) {
	p.advance()
	left = v.mark - p.given
	p.take(int(v.heapIndex))
	p.reschedule()
	return left
}

// setSpeed changes the speed of every job.
func (p *processor) setSpeed(speed float64) {
	p.advance()
	p.speed = speed
	p.reschedule()
}

// setCores changes the limit.
func (p *processor) setCores(cores float64) {
	p.advance()
	p.cores = cores
	p.quota.perPeriod = cores * float64(p.quota.period)
	p.reschedule()
}

// done takes out the visit whose work is finished at this time.
func (p *processor) done() *visit {
	p.advance()
	v := p.marks[0]
	p.given = max(p.given, v.mark) // the timer was rounded to ns
	p.take(0)
	p.timed = nil
	p.reschedule()
	return v
}

// workedUntil is the work done so far, core-ns.
func (p *processor) workedUntil() float64 {
	p.advance()
	return p.worked
}

// left is the work that is not done yet, core-ns.
func (p *processor) left() (sum float64) {
	p.advance()
	for _, v := range p.marks {
		sum += v.mark - p.given
	}
	return sum
}

func (p *processor) advance() {
	now := p.clock.Now()
	if now == p.since {
		return
	}
	gain := float64(now-p.since) * p.rate
	p.given += gain
	work := gain * float64(len(p.marks))
	p.worked += work
	p.quota.left -= work
	p.since = now
}

// scale is the work that a core does a second at most: more than one where a law says
// how requests share it, so that a pod at its peak uses its limit and not more.
func (p *processor) scale() float64 {
	if p.usl == nil || p.usl.Sigma <= 0 && p.usl.Kappa <= 0 {
		return 1
	}
	return p.usl.Peak()
}

// capacity is the speed of all jobs together, in cores.
func (p *processor) capacity(n int) float64 {
	if p.usl != nil {
		return p.usl.Speedup(n) * p.cores * p.speed
	}
	if p.quota.period > 0 {
		return float64(n) * p.speed // until the quota is used up
	}
	return min(float64(n), p.cores) * p.speed
}

// reschedule sets the rate and the timers after any change.
func (p *processor) reschedule() {
	n := len(p.marks)
	rate := 0.0
	if n > 0 && !p.quota.stopped {
		rate = p.capacity(n) / float64(n)
	}
	if rate == p.rate && n > 0 && p.timed == p.marks[0] && p.quota.period == 0 {
		return // the commonest case: the newcomer neither slows the others nor overtakes
	}
	p.rate = rate
	p.clock.Cancel(p.timer)
	p.timed = nil
	if rate > 0 {
		p.timed = p.marks[0]
		wait := math.Ceil((p.timed.mark - p.given) / rate)
		p.timer = p.clock.After(int64(min(max(wait, 0), MaxTime/4)), p.timed, visitComputed)
	}
	if p.quota.period > 0 {
		p.quota.plan(p)
	}
}

func (p *processor) less(i, j int) bool {
	a, b := p.marks[i], p.marks[j]
	return a.mark < b.mark || a.mark == b.mark && a.order < b.order
}

func (p *processor) swap(i, j int) {
	p.marks[i], p.marks[j] = p.marks[j], p.marks[i]
	p.marks[i].heapIndex, p.marks[j].heapIndex = int32(i), int32(j)
}

func (p *processor) up(i int) {
	for i > 0 && p.less(i, (i-1)/2) {
		p.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (p *processor) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(p.marks); c++ {
			if p.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		p.swap(i, least)
		i = least
	}
}

func (p *processor) take(i int) {
	last := len(p.marks) - 1
	if p.timed == p.marks[i] {
		p.timed = nil
	}
	p.swap(i, last)
	p.marks[last] = nil
	p.marks = p.marks[:last]
	if i < last {
		p.up(i)
		p.down(i)
	}
}
