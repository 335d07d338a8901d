package measure

import "github.com/scale-eval/scale-eval/sim"

// Measures of one run. Times are seconds; -1: it never happened.
type Measures struct {
	Case   string `json:"case"`
	Policy string `json:"policy"`
	Seed   uint64 `json:"seed"`

	Requests int64 `json:"requests"` // begun in the measured time
	// ViolatedSeconds are those in which too many of the requests that began in them
	// missed an objective; ViolatedRequests are these requests, percent of all.
	ViolatedSeconds  float64 `json:"violated_s"`
	ViolatedRequests float64 `json:"violated_percent"`
	P50              float64 `json:"p50_ms"` // of answered requests
	P95              float64 `json:"p95_ms"`
	P99              float64 `json:"p99_ms"`

	// From the start of the fault: to the first reason to act that the policy saw, its
	// first change, the replicas of that being ready, the end of the last violation.
	Detect  float64 `json:"detect_s"`
	Decide  float64 `json:"decide_s"`
	Ready   float64 `json:"ready_s"`
	Recover float64 `json:"recover_s"`

	PodSeconds  float64 `json:"pod_s"`
	CoreSeconds float64 `json:"core_s"`
	OverSeconds float64 `json:"over_pod_s"` // beyond the oracle's demand
	Actions     int     `json:"actions"`
	Reversals   int     `json:"reversals"` // within 300 s, of one service
	Right       int     `json:"right"`     // changes upwards that the oracle accepts
	Wrong       int     `json:"wrong"`     // the others
	Missed      int     `json:"missed"`    // 1: a remedy exists and none was tried

	Elasticity sim.Elasticity `json:"elasticity"` // of the services with a demand
	PeakQueue  int            `json:"peak_queue"`
}
