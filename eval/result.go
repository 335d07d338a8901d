package eval

import (
	"encoding/json"
	"math"
)

// ResultVersion is the version of the JSON form of Result. It grows when a field
// changes its meaning or goes away; new fields do not change it.
const ResultVersion = 1

// Number is a float64 that is null in JSON when it is not finite: a rate whose
// denominator is zero is undefined, not 0.
type Number float64

// MarshalJSON writes null for NaN and infinities.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// Rate is a measured value with its 95 % interval. Lo and Hi are NaN when none
// could be computed.
type Rate struct {
	Value  Number `json:"value"`
	Lo     Number `json:"lo"`
	Hi     Number `json:"hi"`
	Method string `json:"method,omitempty"` // "wilson", "wilson by trace", "bootstrap by trace" or "bootstrap by span"
}

// Confusion counts decisions against labels.
type Confusion struct {
	TP int64 `json:"tp"`
	FP int64 `json:"fp"`
	FN int64 `json:"fn"`
	TN int64 `json:"tn"`
}

// Metrics are the measures of one operating point.
type Metrics struct {
	Precision Rate `json:"precision"`
	Recall    Rate `json:"recall"`
	F1        Rate `json:"f1"`
	FPR       Rate `json:"fpr"`
	Accuracy  Rate `json:"accuracy"`
	MCC       Rate `json:"mcc"`
}

// Point is one operating point: keep spans whose score is >= Threshold.
type Point struct {
	Threshold Number    `json:"threshold"`
	Confusion Confusion `json:"confusion"`
	Metrics   Metrics   `json:"metrics"`
}

// CurvePoint is a point of the ROC and of the precision-recall curve: TP and FP
// are counts of spans whose score is >= Threshold. Totals are in Result.Counts.
type CurvePoint struct {
	Threshold Number `json:"threshold"`
	TP        int64  `json:"tp"`
	FP        int64  `json:"fp"`
}

// RecallAt is the highest recall whose FPR does not exceed FPR.
type RecallAt struct {
	FPR       float64 `json:"fpr"`
	Recall    Rate    `json:"recall"`
	Threshold Number  `json:"threshold"`
}

// SamplerResult is what one sampler scored.
type SamplerResult struct {
	Name        string            `json:"name"`     // "paper", "static duration", …
	Describe    string            `json:"describe"` // one line: what the score is
	Baseline    bool              `json:"baseline"`
	Options     map[string]string `json:"options,omitempty"`
	ThresholdBy string            `json:"threshold_by"` // how Point's cut-off was chosen
	WarmUp      int64             `json:"warm_up"`      // test spans of any label it was not ready for: in no count below
	Point       Point             `json:"point"`        // as deployed
	Best        Point             `json:"best_on_test"` // highest F1 over all cut-offs of the test part
	AP          Rate              `json:"average_precision"`
	ROCAUC      Rate              `json:"roc_auc"`
	RecallAt    []RecallAt        `json:"recall_at_fpr"`
	Curve       []CurvePoint      `json:"curve"`            // thinned; threshold descending
	Faults      *FaultSummary     `json:"faults,omitempty"` // Track B
}

// Counts says where every span went.
type Counts struct {
	Read      int64            `json:"read"`           // well-formed spans of the dataset
	Bad       int64            `json:"bad"`            // malformed records
	Filtered  int64            `json:"filtered"`       // over max_duration
	Train     int64            `json:"train"`          // spans trained on
	Test      int64            `json:"test"`           // spans sent to the samplers
	Scored    int64            `json:"scored"`         // test spans whose label takes part
	Positives int64            `json:"positives"`      // of Scored
	Negatives int64            `json:"negatives"`      // of Scored
	ByLabel   map[string]int64 `json:"by_label"`       // test spans by label name; "" is unlabelled
	Calls     int64            `json:"calls"`          // distinct service::operation
	Overflow  int64            `json:"calls_overflow"` // spans whose call did not fit the table
	Traces    int64            `json:"traces"`         // distinct traces in the test part
}

// FaultResult is one injected fault of a Track B dataset.
type FaultResult struct {
	Name            string `json:"name"` // "network_delay adservice 2022-08-22T03:53:21Z"
	Type            string `json:"type"`
	Target          string `json:"target"` // service
	At              int64  `json:"at_unix_ns"`
	Candidates      int64  `json:"candidates"` // positives included
	Positives       int64  `json:"positives"`
	Propagated      int64  `json:"propagated"`
	Guard           int64  `json:"guard"`
	FlaggedCands    int64  `json:"flagged_candidates"`
	DetectionDelayS Number `json:"detection_delay_s"` // injection to the end of the first flagged candidate; NaN: none
}

// Result is everything that one run measured and nothing that depends on the
// machine: the same options, seed and data give the same bytes.
type Result struct {
	Version  int               `json:"version"`
	Dataset  string            `json:"dataset"`
	Protocol string            `json:"protocol"`
	Seed     uint64            `json:"seed"`
	Options  map[string]string `json:"options"`
	Counts   Counts            `json:"counts"`
	Samplers []SamplerResult   `json:"samplers"`         // [0] is the sampler under test, the rest are baselines
	Faults   []FaultResult     `json:"faults,omitempty"` // of Samplers[0]
	// LabelAccount is the caller's to fill, on Track B data.
	LabelAccount *LabelAccount `json:"label_account,omitempty"`
	// CandidateRecall and FaultFreeFPR belong to Samplers[0] on Track B data, whose
	// labels lean on the observed duration: these two do not.
	CandidateRecall *Rate    `json:"candidate_recall,omitempty"`
	FaultFreeFPR    *Rate    `json:"fault_free_fpr,omitempty"`
	Warnings        []string `json:"warnings,omitempty"`
}

// Timing is what depends on the machine, kept out of Result.
type Timing struct {
	LoadNsPerSpan Number         `json:"load_ns_per_span"` // waiting for the next span
	ClockNs       Number         `json:"clock_ns"`         // cost of one clock reading, subtracted from all times here
	Samplers      []SamplerTimes `json:"samplers"`         // same order as Result.Samplers
}

// SamplerTimes is the time that one call of Sample (and Learn, where the protocol
// learns on test spans) took, ns.
type SamplerTimes struct {
	Name   string `json:"name"`
	MeanNs Number `json:"mean_ns"`
	P50Ns  Number `json:"p50_ns"`
	P99Ns  Number `json:"p99_ns"`
}
