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

// fade makes room for the next fresh spans.
func (h *surpriseHistogram) fade(fresh uint32) {
	keep := 1 - float64(fresh)/rememberSpans
	h.total *= keep
	for i := range h.counts {
		h.counts[i] *= keep
	}
}

// surpriseCurve is how many spans of a histogram reach each cell or a higher one,
// and 0 behind the last.
type surpriseCurve [surpriseCells + 1]float64

// sum makes c the curve of h.
func (c *surpriseCurve) sum(h *surpriseHistogram) {
	above := 0.0
	for i := surpriseCells - 1; i >= 0; i-- {
		above += h.counts[i]
		c[i] = above
	}
}

// quantile is the surprise that a share of the spans exceeds.
func (c *surpriseCurve) quantile(share float64) float64 {
	want := float64(share * c[0])
	if c[0] <= want {
		return 0
	}
	i, end := 0, surpriseCells // c[i] > want >= c[end]
	for end-i > 1 {
		if mid := (i + end) / 2; c[mid] > want {
			i = mid
		} else {
			end = mid
		}
	}
	return (float64(end) - (want-c[end])/(c[i]-c[end])) * surpriseCell
}

// extrapolate is the surprise that ordinary spans exceed with probability fpr; old
// while there are too few spans to tell. See operatingPoint.
func (c *surpriseCurve) extrapolate(fpr, old float64) float64 {
	begin := surpriseIndex(c.quantile(windowBegin))
	end := surpriseIndex(c.quantile(windowEnd)) + 1
	n, sum := c[begin]-c[end], 0.0
	for i := begin; i < end; i++ {
		sum += float64((float64(i-begin) + 0.5) * (c[i] - c[i+1]))
	}
	if n < 50 {
		return old
	}
	rate := truncatedRate(sum/n, float64(end-begin)) // a cell
	far := end + int(max(0, ln(windowEnd/fpr))/rate)
	far = c.crowded(end, min(far, surpriseCells-2), rate)
	return c.firstLow(surpriseIndex(c.quantile(valleyBegin)), far, float64(fpr*rate)*c[0])
}

// crowded is the first cell from a cell on, where windowEnd of the spans are above,
// that holds mostly spans which the tail does not account for; to if none does.
func (c *surpriseCurve) crowded(from, to int, rate float64) int {
	ordinary, decay := windowEnd*c[0]*rate, exp(-rate)
	for i := from; i < to; i++ {
		if c.density(i) > 2*ordinary+noise(ordinary) {
			return i
		}
		ordinary = float64(ordinary * decay)
	}
	return to
}

// noise is how far a density may be off by chance.
func noise(density float64) float64 {
	return valleyNoise * math.Sqrt((density+1)/(2*valleySmooth+1))
}

// firstLow is the first surprise in the cells [from, to] at which the density falls
// to low, spans a cell, or else the first valley.
func (c *surpriseCurve) firstLow(from, to int, low float64) float64 {
	best, at := math.Inf(1), from
	for i := from; i <= to; i++ {
		d := c.density(i)
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
func (c *surpriseCurve) density(i int) float64 {
	from, to := max(0, i-valleySmooth), min(i+valleySmooth+1, surpriseCells)
	return (c[from] - c[to]) / float64(to-from)
}

// truncatedRate is the maximum-likelihood rate of an exponential cut off at length,
// of which the mean is known: the root of 1/rate - length/(e^(rate length)-1) =
// mean, whose left side falls, by bisection to a part in a million. A mean near half
// the length or beyond says that there is no decay to speak of; the rate is then
// 0.1/length.
func truncatedRate(mean, length float64) float64 {
	lo, hi := 0.1/length, max(1/mean, 0.1/length)
	for range 25 {
		mid := (lo + hi) / 2
		if 1/mid-length/(exp(mid*length)-1) > mean {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}
