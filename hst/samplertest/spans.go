package samplertest

import (
	"math"
	"math/rand/v2"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// MaxCalls is the size of the call table that Workload uses.
const MaxCalls = 1000

// Workload is n seeded spans of twelve calls of three services, as a test may want
// them: log-normal durations around a median of the call's own (0.2 ms to 400 ms,
// sigma 0.4), 2 % of them ten times as long and labelled anomalous, four spans a
// trace. Calls are numbered by a trace.Calls table.
func Workload(n int, seed uint64) []trace.Span {
	rng := rand.New(rand.NewPCG(seed, 0))
	calls := trace.NewCalls(MaxCalls, nil)
	services := [...]string{"frontend", "cart", "checkout"}
	operations := [...]string{"GET /", "POST /add", "HGET", "charge"}
	out := make([]trace.Span, n)
	for i := range out {
		svc, op := rng.IntN(len(services)), rng.IntN(len(operations))
		median := 2e5 * math.Pow(2, float64(svc*len(operations)+op))
		s := &out[i]
		*s = trace.Span{
			TraceID: trace.TraceID{Hi: seed, Lo: uint64(i/4 + 1)}, ID: trace.SpanID(i + 1),
			Service: services[svc], Operation: operations[op],
			Start: 1_700_000_000_000_000_000 + int64(i)*1_000_000, Label: trace.Normal,
		}
		if i%4 != 0 {
			s.ParentID = trace.SpanID(i)
		}
		s.Call = calls.Of(s.Service, s.Operation)
		s.Duration = int64(median * math.Exp(0.4*rng.NormFloat64()))
		if rng.IntN(50) == 0 {
			s.Duration, s.Label, s.Kind = 10*s.Duration, trace.Anomalous, "slow"
		}
	}
	return out
}

// Extremes are durations, ns, at which arithmetic breaks first.
var Extremes = []int64{math.MinInt64, math.MinInt64 + 1, -1_000_000, -1, 0, 1, 2, 63, 64, 65, 1_000_000,
	math.MaxInt32, math.MaxUint32, 1 << 53, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}

func learn(sampler trace.Sampler, spans []trace.Span) {
	for i := range spans {
		sampler.Learn(&spans[i])
	}
}

// lent hands out every span in the same place and overwrites it when it is given
// back, as a Source does.
type lent struct{ s trace.Span }

func (l *lent) out(s trace.Span, use func(*trace.Span)) {
	l.s = s
	use(&l.s)
	l.s = trace.Span{Service: "overwritten", Operation: "overwritten", Duration: -77, Start: -1, Call: 3}
}
