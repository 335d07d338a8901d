package hst

import "math"

// operatingPoint chooses the surprise from which spans are kept, from a histogram
// of the surprise of recent spans.
//
// By share or rate it is a quantile of all spans. By false-positive rate it is the
// quantile of ordinary spans, and which spans are ordinary is what nobody said. But
// surprise is minus the logarithm of a probability, so its tail falls off like an
// exponential whatever the durations do, and anomalies are what comes on top of
// that, far out: the rate of the exponential is fitted between the upper tenth and
// the present threshold, where ordinary spans are nearly alone, and extrapolated.
// Spans above the threshold do not enter, so that neither 1 % nor 10 % of anomalies
// raise it; that the fit is cut off there is part of the likelihood.
type operatingPoint struct {
	counts  [surpriseCells]float64
	total   float64
	fresh   uint32  // spans since the last refresh
	value   float64 // keep from here, nats
	suspect float64 // a span in fifty is above, nats
	clock   int64   // latest end of a span at the last refresh
	now     int64   // latest end of a span
	rate    float64 // spans a second
}

const (
	surpriseCell  = 0.125 // nats
	surpriseCells = 480   // up to 60 nats, the last one open
	// refreshEvery is how often the threshold follows; rememberSpans the memory of the
	// histogram, in which the fit has some 3 000 spans.
	refreshEvery  = 512
	rememberSpans = 1 << 15
	// tailShare is where the tail begins.
	tailShare = 0.1
	// nominalSlope is how many nats the surprise of a log-normal call grows by while
	// its logarithm of probability grows by one: the guess before the first fit.
	nominalSlope = 1.5
)

func (p *operatingPoint) reset(c AdaptiveConfig) {
	*p = operatingPoint{value: math.Inf(1), suspect: -nominalSlope * math.Log(suspectShare)}
	switch c.Mode {
	case ThresholdFPR:
		p.value = -nominalSlope * math.Log(c.Target)
	case ThresholdShare:
		p.value = -nominalSlope * math.Log(c.Target)
	}
}

// add counts a learned span.
func (p *operatingPoint) add(surprise float64, end int64, c *AdaptiveConfig) {
	p.counts[min(int(surprise/surpriseCell), surpriseCells-1)]++
	p.total++
	p.fresh++
	p.now = max(p.now, end)
	if p.fresh >= refreshEvery {
		p.refresh(c)
	}
}

const suspectShare = 0.02

func (p *operatingPoint) refresh(c *AdaptiveConfig) {
	p.suspect = p.quantile(suspectShare)
	switch c.Mode {
	case ThresholdFPR:
		p.value = p.extrapolate(c.Target)
	case ThresholdShare:
		p.value = p.quantile(c.Target)
	case ThresholdRate:
		p.measureRate()
		p.value = p.quantile(min(1, c.Target/max(p.rate, 1e-9)))
	}
	const keep = 1 - float64(refreshEvery)/rememberSpans
	p.total = 0
	for i := range p.counts {
		p.counts[i] *= keep
		p.total += p.counts[i]
	}
	p.fresh = 0
}

// measureRate follows the rate of spans with a memory of 16 refreshes.
func (p *operatingPoint) measureRate() {
	passed := elapsed(p.clock, p.now)
	p.clock = p.now
	if passed == 0 {
		return
	}
	rate := float64(p.fresh) / (float64(passed) / 1e9)
	if p.rate == 0 || p.rate < rate/1000 {
		p.rate = rate
		return
	}
	p.rate += (rate - p.rate) / 16
}

// quantile is the surprise that a share of all spans exceeds.
func (p *operatingPoint) quantile(share float64) float64 {
	want, above := float64(share*p.total), 0.0
	for i := surpriseCells - 1; i >= 0; i-- {
		if n := p.counts[i]; above+n > want {
			return (float64(i+1) - (want-above)/n) * surpriseCell
		}
		above += p.counts[i]
	}
	return 0
}

// extrapolate is the surprise that ordinary spans exceed with probability fpr.
func (p *operatingPoint) extrapolate(fpr float64) float64 {
	begin, above := surpriseCells, 0.0
	for begin > 0 && above+p.counts[begin-1] <= tailShare*p.total {
		begin--
		above += p.counts[begin]
	}
	if above < 16 {
		return p.value // nothing to fit
	}
	rate := p.fit(begin)
	at := begin + int(math.Log(tailShare/fpr)/rate/surpriseCell)
	return p.valley(begin, min(at, surpriseCells-1), float64(fpr*rate)*p.total*surpriseCell)
}

// fit is the rate of decay above a cell, from a window in which the density falls
// to a tenth.
func (p *operatingPoint) fit(begin int) float64 {
	rate := 1 / nominalSlope
	for range 8 {
		end := min(begin+max(4, int(windowDecay/rate/surpriseCell)), surpriseCells)
		n, sum := 0.0, 0.0
		for i := begin; i < end; i++ {
			n += p.counts[i]
			sum += float64((float64(i-begin) + 0.5) * surpriseCell * p.counts[i])
		}
		rate = truncatedRate(sum/n, float64(end-begin)*surpriseCell)
	}
	return rate
}

const windowDecay = 2.3

// valley is the surprise of the first cell in [begin, end] whose density is at
// most low, otherwise of the emptiest. Densities are means of nine cells.
func (p *operatingPoint) valley(begin, end int, low float64) float64 {
	best, at := math.Inf(1), end
	for i := begin; i <= end; i++ {
		n, cells := 0.0, 0.0
		for j := max(0, i-4); j <= min(i+4, surpriseCells-1); j++ {
			n += p.counts[j]
			cells++
		}
		if d := n / cells; d < best {
			best, at = d, i
		}
		if best <= low {
			break
		}
	}
	return (float64(at) + 0.5) * surpriseCell
}

// truncatedRate is the maximum-likelihood rate of an exponential cut off at length,
// of which the mean is known: the root of 1/rate - length/(e^(rate length)-1) = mean,
// by bisection, for the left side falls. A mean beyond 0.48 of the length says that
// there is no decay to speak of.
func truncatedRate(mean, length float64) float64 {
	lo, hi := 0.1/length, 1/mean
	for range 50 {
		mid := (lo + hi) / 2
		if 1/mid-length/math.Expm1(mid*length) > mean {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}
