package experiment

import "sync"

// queue are the jobs of a plan that are left, while those at work may add to them.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	jobs    []job // the next one last
	at      int   // how many are at work
}

func newQueue(jobs []job) *queue {
	q := &queue{jobs: make([]job, 0, len(jobs))}
	q.changed.L = &q.mu
	for i := len(jobs) - 1; i >= 0; i-- {
		q.jobs = append(q.jobs, jobs[i])
	}
	return q
}

// next waits for a job; nil: there is none and none will come.
func (q *queue) next() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.jobs) == 0 && q.at > 0 {
		q.changed.Wait()
	}
	if len(q.jobs) == 0 {
		return nil
	}
	j := q.jobs[len(q.jobs)-1]
	q.jobs = q.jobs[:len(q.jobs)-1]
	q.at++
	return &j
}

// done ends a job. What it leaves to do comes next: the draws are at hand.
func (q *queue) done(more []job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, more...)
	q.at--
	q.changed.Broadcast()
}

// giveUp ends a job and drops all others.
func (q *queue) giveUp() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = nil
	q.at--
	q.changed.Broadcast()
}
