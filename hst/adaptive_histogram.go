package hst

import "math"

// surpriseHistogram is a fading histogram of surprise, in nats.
type surpriseHistogram struct {
	counts [surpriseCells]float64
	total  float64
}

const (
	surpriseCell  = 0.125 // nats
	surpriseCells = 480   // up to 60 nats, the last one open
	// valleySmooth is how many cells to each side a density is averaged over.
	valleySmooth = 4
	// A density that rises to valleyRise times its minimum, by more than valleyNoise
	// standard deviations, has had a valley.
	valleyRise  = 1.5
	valleyNoise = 3
)

func surpriseIndex(s float64) int {
	if !(s < surpriseCell*(surpriseCells-1)) {
		return surpriseCells - 1
	}
	return int(s / surpriseCell)
}

func (h *surpriseHistogram) add(cell int) {
	h.counts[cell]++
	h.total++
}

// fade makes room for the next refreshEvery spans.
func (h *surpriseHistogram) fade() {
	const keep = 1 - float64(refreshEvery)/rememberSpans
	h.total = 0
	for i := range h.counts {
		h.counts[i] *= keep
		h.total += h.counts[i]
	}
}

// quantile is the surprise that a share of the spans exceeds.
func (h *surpriseHistogram) quantile(share float64) float64 {
	want, above := float64(share*h.total), 0.0
	for i := surpriseCells - 1; i >= 0; i-- {
		if n := h.counts[i]; above+n > want {
			return (float64(i+1) - (want-above)/n) * surpriseCell
		}
		above += h.counts[i]
	}
	return 0
}

// extrapolate is the surprise that ordinary spans exceed with probability fpr; old
// while there are too few spans to tell. See operatingPoint.
func (h *surpriseHistogram) extrapolate(fpr, old float64) float64 {
	begin := surpriseIndex(h.quantile(windowBegin))
	end := surpriseIndex(h.quantile(windowEnd)) + 1
	n, sum := 0.0, 0.0
	for i := begin; i < end; i++ {
		n += h.counts[i]
		sum += float64((float64(i-begin) + 0.5) * h.counts[i])
	}
	if n < 50 {
		return old
	}
	rate := truncatedRate(sum/n, float64(end-begin)) // a cell
	far := end + int(max(0, ln(windowEnd/fpr))/rate)
	far = h.crowded(end, min(far, surpriseCells-2), rate)
	return h.firstLow(surpriseIndex(h.quantile(valleyBegin)), far, float64(fpr*rate)*h.total)
}

// crowded is the first cell from a cell on, where windowEnd of the spans are above,
// that holds mostly spans which the tail does not account for; to if none does.
func (h *surpriseHistogram) crowded(from, to int, rate float64) int {
	level := windowEnd * h.total * rate
	for i := from; i < to; i++ {
		ordinary := level * exp(-rate*float64(i-from))
		if h.density(i) > 2*ordinary+noise(ordinary) {
			return i
		}
	}
	return to
}

// noise is how far a density may be off by chance.
func noise(density float64) float64 {
	return valleyNoise * math.Sqrt((density+1)/(2*valleySmooth+1))
}

// firstLow is the first surprise in the cells [from, to] at which the density falls
// to low, spans a cell, or else the first valley.
func (h *surpriseHistogram) firstLow(from, to int, low float64) float64 {
	best, at := math.Inf(1), from
	for i := from; i <= to; i++ {
		d := h.density(i)
		if d < best {
			best, at = d, i
		}
		if best <= low || d > valleyRise*best+noise(best) {
			break
		}
	}
	return (float64(at) + 0.5) * surpriseCell
}

// density is the mean count of the cells around i.
func (h *surpriseHistogram) density(i int) float64 {
	from, to := max(0, i-valleySmooth), min(i+valleySmooth+1, surpriseCells)
	n := 0.0
	for _, c := range h.counts[from:to] {
		n += c
	}
	return n / float64(to-from)
}

// truncatedRate is the maximum-likelihood rate of an exponential cut off at length,
// of which the mean is known: the root of 1/rate - length/(e^(rate length)-1) =
// mean, whose left side falls, by bisection. A mean near half the length or beyond
// says that there is no decay to speak of; the rate is then 0.1/length.
func truncatedRate(mean, length float64) float64 {
	lo, hi := 0.1/length, max(1/mean, 0.1/length)
	for range 50 {
		mid := (lo + hi) / 2
		if 1/mid-length/(exp(mid*length)-1) > mean {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}
