package tracesamplers

import "math"

// denStream clusters a stream of vectors whose past fades (Cao, Ester, Qian and
// Zhou, "Density-Based Clustering over an Evolving Data Stream with Noise", SDM
// 2006): potential clusters are heavy, outlier clusters may become so, and both are
// dropped when they have faded. The clusters themselves are wanted here, not their
// DBSCAN at the end.
type denStream struct {
	radius float64 // a vector joins a cluster whose radius then stays within
	lambda float64 // weights fade by 2^-lambda a vector
	heavy  float64 // least weight of a potential cluster, the paper's beta*mu; above 1
	most   int     // clusters of either sort; beyond, the lightest goes
	now    int64   // vectors so far

	potential, outlier []*cluster
}

// cluster is the paper's micro-cluster: fading sums of its vectors.
type cluster struct {
	sum              []float64 // the paper's CF1
	squares          float64   // of lengths, CF2 over all dimensions
	weight           float64
	created, updated int64
}

// verdict is what became of a vector.
type verdict struct {
	joined   bool    // a potential cluster took it
	share    float64 // of that cluster in the weight of all potential ones, with it
	distance float64 // cosine distance to the nearest potential centre before, 0..2; 1: none
}

// add is the paper's merging algorithm: try the nearest potential cluster, then the
// nearest outlier cluster, then begin one. Nearest is by cosine distance. Cost:
// O(clusters * dimensions).
func (d *denStream) add(x []float64) verdict {
	d.now++
	v := verdict{distance: 1}
	near, distance := nearest(d.potential, x)
	if near >= 0 {
		v.distance = distance
	}
	if near >= 0 && d.join(d.potential[near], x) {
		v.joined, v.share = true, d.potential[near].weight/d.total()
	} else {
		d.addOutlier(x)
	}
	if d.now%d.period() == 0 {
		d.prune()
	}
	return v
}

func (d *denStream) addOutlier(x []float64) {
	near, _ := nearest(d.outlier, x)
	if near >= 0 && d.join(d.outlier[near], x) {
		if c := d.outlier[near]; c.weight > d.heavy {
			d.outlier = append(d.outlier[:near], d.outlier[near+1:]...)
			d.potential = d.bounded(append(d.potential, c))
		}
		return
	}
	c := &cluster{sum: make([]float64, len(x)), created: d.now, updated: d.now}
	c.take(x)
	d.outlier = d.bounded(append(d.outlier, c))
}

// join takes x into c unless its radius would exceed the bound.
func (d *denStream) join(c *cluster, x []float64) bool {
	d.fade(c)
	var along, length, sum float64
	for i, v := range x {
		along += float64(v * c.sum[i])
		length += float64(v * v)
		sum += float64(c.sum[i] * c.sum[i])
	}
	w := c.weight + 1
	// |CF1 + x|^2 = |CF1|^2 + 2 CF1 x + |x|^2
	variance := (c.squares+length)/w - (sum+float64(2*along)+length)/float64(w*w)
	// The subtraction leaves some 1e-16 of the lengths where the answer is 0.
	if variance > float64(d.radius*d.radius)+float64(1e-12*(c.squares+length)/w) {
		return false
	}
	c.take(x)
	return true
}

func (c *cluster) take(x []float64) {
	for i, v := range x {
		c.sum[i] += v
		c.squares += float64(v * v)
	}
	c.weight++
}

// fade brings the sums of c up to now.
func (d *denStream) fade(c *cluster) {
	f := math.Exp2(-d.lambda * float64(d.now-c.updated))
	c.updated = d.now
	c.weight *= f
	c.squares *= f
	for i := range c.sum {
		c.sum[i] *= f
	}
}

// weightOf is the weight of c as of now.
func (d *denStream) weightOf(c *cluster) float64 {
	return c.weight * math.Exp2(-d.lambda*float64(d.now-c.updated))
}

func (d *denStream) total() float64 {
	sum := 0.0
	for _, c := range d.potential {
		sum += d.weightOf(c)
	}
	return sum
}

// period is the paper's T_p, in which a cluster that is just heavy enough fades below
// heavy unless it grows.
func (d *denStream) period() int64 {
	if d.lambda == 0 {
		return math.MaxInt64
	}
	return int64(math.Ceil(math.Log2(d.heavy/(d.heavy-1)) / d.lambda))
}

// prune drops potential clusters that are heavy no longer, and outlier clusters
// lighter than one that had grown at the least rate since it began (the paper's xi).
func (d *denStream) prune() {
	d.potential = filter(d.potential, func(c *cluster) bool { return d.weightOf(c) >= d.heavy })
	step := math.Exp2(-d.lambda*float64(d.period())) - 1
	d.outlier = filter(d.outlier, func(c *cluster) bool {
		age := float64(d.now - c.created + d.period())
		return d.weightOf(c) >= (math.Exp2(-d.lambda*age)-1)/step
	})
}

func filter(list []*cluster, keep func(*cluster) bool) []*cluster {
	out := list[:0]
	for _, c := range list {
		if keep(c) {
			out = append(out, c)
		}
	}
	clear(list[len(out):])
	return out
}

// bounded drops the lightest of too many clusters but the last, which is new.
func (d *denStream) bounded(list []*cluster) []*cluster {
	if len(list) <= d.most {
		return list
	}
	lightest := 0
	for i, c := range list[:len(list)-1] {
		if d.weightOf(c) < d.weightOf(list[lightest]) {
			lightest = i
		}
	}
	return append(list[:lightest], list[lightest+1:]...)
}

// nearest is the cluster whose centre has the least cosine distance, -1: none.
func nearest(list []*cluster, x []float64) (index int, distance float64) {
	index, distance = -1, math.Inf(1)
	for i, c := range list {
		if d := cosine(c.sum, x); d < distance {
			index, distance = i, d
		}
	}
	return index, distance
}

// cosine is 1 less the cosine of the angle; a vector of length 0 is at 1 from all
// but another.
func cosine(a, b []float64) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i] * b[i])
		aa += float64(a[i] * a[i])
		bb += float64(b[i] * b[i])
	}
	if aa == 0 && bb == 0 {
		return 0
	}
	if aa == 0 || bb == 0 {
		return 1
	}
	return 1 - dot/math.Sqrt(float64(aa*bb))
}
