package measure

// Calibration is what is known of a case before policies play it.
type Calibration struct {
	Case string `json:"case"`
	// Services by name, as a load test of the warm-up finds them.
	Services map[string]Capacity `json:"services"`
	// Demands are the oracle's: of every target, in the order of the case.
	Demands []Demand `json:"demands"`
}

// Capacity is what one replica of a service can do.
type Capacity struct {
	PerSecond float64 `json:"per_second"` // requests at full use; 1e9 and more: no limit was found
	Rate      float64 `json:"rate"`       // requests a second that the service had
	Replicas  int     `json:"replicas"`   // it had
}

// Demand is the least number of pods that meets the objectives, a step each of the
// measured time. Nobody can know it beforehand.
type Demand struct {
	Service string    `json:"service"`
	Pods    []float64 `json:"pods"`
	Remedy  bool      `json:"remedy"` // false: it has what it needs at the start
}
