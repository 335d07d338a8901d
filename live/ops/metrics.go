package ops

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/otlp"
)

// Metrics are the process's own, in Prometheus' form. It is a Recorder and a timer of
// a live/otlp.Stage; everything else comes from Board and Receiver when asked.
type Metrics struct {
	board    *Board
	receiver func() otlp.Counters
	score    prometheus.Histogram
	stages   *prometheus.HistogramVec
	next     otlp.Recorder
	decode   prometheus.Observer
	queue    prometheus.Observer
	judge    prometheus.Observer
}

var (
	_ prometheus.Collector = (*Metrics)(nil)
	_ otlp.Recorder        = (*Metrics)(nil)
)

// NewMetrics makes Metrics. next, if not nil, sees every judged span after it.
func NewMetrics(board *Board, receiver func() otlp.Counters, next otlp.Recorder) *Metrics {
	m := &Metrics{board: board, receiver: receiver, next: next,
		score: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "scale_eval_score", Help: "Scores of judged spans.", Buckets: prometheus.LinearBuckets(0.1, 0.1, 10)}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "scale_eval_export_seconds", Help: "Time of an acknowledged export in each stage.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 4, 10)}, []string{"stage"}),
	}
	m.decode, m.queue, m.judge = m.stages.WithLabelValues("decode"), m.stages.WithLabelValues("queue"), m.stages.WithLabelValues("judge")
	return m
}

// Judged implements otlp.Recorder.
func (m *Metrics) Judged(s *live.Span, err error) {
	if err == nil && !s.Decision.WarmUp {
		m.score.Observe(s.Decision.Score)
	}
	if m.next != nil {
		m.next.Judged(s, err)
	}
}

// Timed is for otlp.Options.Timed.
func (m *Metrics) Timed(t otlp.Timing) {
	m.decode.Observe(t.Decode.Seconds())
	m.queue.Observe(t.Queue.Seconds())
	m.judge.Observe(t.Judge.Seconds())
}

var (
	descSpans     = desc("spans_total", "Acknowledged spans, by what became of them.", "outcome")
	descExports   = desc("exports_total", "Exports, by what became of them; all but acknowledged were told to come again or refused.", "outcome")
	descPending   = desc("exports_pending", "Exports in flight.")
	descPendingB  = desc("exports_pending_bytes", "Bytes of exports in flight.")
	descDecisions = desc("decisions_total", "Decisions, by outcome.", "outcome")
	descBreaches  = desc("breaches_total", "Spans over a rule's threshold, a rule each.")
	descTraces    = desc("traces_open", "Traces that are being put together.")
	descCalls     = desc("calls", "Calls that are tracked.")
	descAge       = desc("model_age_seconds", "Time since the model was trained; absent without a trained model.")
	descReady     = desc("ready", "1: there is a model.")
	descActing    = desc("acting", "1: it acts and leads; 0: dry run or standby.")
	descSilent    = desc("silent", "1: no telemetry, every action is held.")
	descReloads   = desc("rule_reloads_total", "Changed rule files, by result.", "result")
	descFailures  = desc("failures_total", "What failed in the background.", "what")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("scale_eval_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.score.Collect(ch)
	m.stages.Collect(ch)
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	r, v := m.receiver(), m.board.View()
	for outcome, n := range map[string]int64{"sampled": r.Sampled, "passed": r.Passed, "warm_up": r.WarmUp, "negative": r.Negative, "future": r.Future,
		"late": r.Late, "duplicate": r.Duplicate, "rejected": r.Rejected} {
		counter(descSpans, n, outcome)
	}
	for outcome, n := range map[string]int64{"acknowledged": r.Exports, "malformed": r.Malformed, "abandoned": r.Abandoned, "full": r.Full, "bytes": r.Bytes,
		"memory": r.Memory, "draining": r.Draining} {
		counter(descExports, n, outcome)
	}
	c := v.Counters
	for outcome, n := range map[string]int64{"acted": c.Acted, "dry_run": c.DryRun, "held": c.Held, "failed": c.Failed} {
		counter(descDecisions, n, outcome)
	}
	for result, n := range map[string]int64{"good": v.Reloads.Good, "bad": v.Reloads.Bad} {
		counter(descReloads, n, result)
	}
	for what, n := range map[string]int64{"training": v.TrainingFailures, "snapshot": v.SnapshotFailures, "audit": c.AuditErrors} {
		counter(descFailures, n, what)
	}
	counter(descBreaches, c.Breaches)
	gauge(descPending, float64(r.Pending))
	gauge(descPendingB, float64(r.PendingBytes))
	gauge(descTraces, float64(c.OpenTraces))
	gauge(descCalls, float64(c.Calls))
	gauge(descReady, oneIf(v.Ready))
	gauge(descActing, oneIf(v.Mode == "acting" && v.Leading))
	gauge(descSilent, oneIf(v.Silent))
	if v.Trained != nil {
		gauge(descAge, time.Since(v.Trained.At).Seconds())
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
