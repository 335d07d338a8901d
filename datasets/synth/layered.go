package synth

import "fmt"

// The layers of a Layered system: a gateway, then business services, then the
// ones they share, then stores. Shares are of the calls and, behind the gateway,
// of the services.
const numLayers = 4

var (
	callShare    = [numLayers]float64{0.1, 0.2, 0.3, 0.4}
	serviceShare = [numLayers]float64{0, 0.3, 0.3, 0.4}
	serviceNames = [numLayers][]string{
		{"gateway"},
		{"storefront", "account", "basket", "checkout", "search"},
		{"catalogue", "pricing", "recommendation", "review", "shipping"},
		{"stock", "payment", "session-cache", "order-db", "mail"},
	}
	operationNames = [numLayers][]string{
		{"GET /", "GET /book/{id}", "GET /search", "POST /basket", "POST /checkout", "GET /orders"},
		{"Show", "List", "Add", "Submit", "Suggest"},
		{"Get", "Rank", "Quote", "Find", "Check"},
		{"Read", "Write", "Lookup", "Reserve", "Publish"},
	}
)

// layer is the calls from..to-1.
type layer struct{ from, to int }

func newLayered(c *Config, r *rng) *system {
	s := &system{calls: make([]call, c.Calls)}
	callsIn := apportion(c.Calls, callShare)
	servicesIn := apportion(c.Services-1, serviceShare)
	servicesIn[0] = 1
	var layers [numLayers]layer
	at := 0
	for l, n := range callsIn {
		layers[l] = layer{at, at + n}
		for i := range n {
			s.calls[at+i].service, s.calls[at+i].operation = names(l, i, servicesIn[l])
		}
		at += n
	}
	s.drawSelfTimes(c, r)
	for l := range numLayers - 1 {
		s.connect(layers, l, r)
	}
	roots := make([]int32, callsIn[0])
	for i := range roots {
		roots[i] = int32(i)
	}
	s.setClasses(roots, func(i int) float64 { return 1 / float64(i+1) })
	return s
}

// apportion splits n by shares, at least one to each that has a share; what
// rounding leaves over goes to the last.
func apportion(n int, shares [numLayers]float64) (parts [numLayers]int) {
	left := n
	for i, s := range shares[:numLayers-1] {
		if s > 0 {
			parts[i] = max(1, int(float64(n)*s))
		}
		left -= parts[i]
	}
	parts[numLayers-1] = left
	return parts
}

// names deals the i-th call of a layer to its services in turn. Behind the gateway
// an operation is named with its service, as in gRPC, so that calls stay apart in
// formats without services.
func names(l, i, services int) (service, operation string) {
	service, operation = numbered(serviceNames[l], i%services), numbered(operationNames[l], i/services)
	if l > 0 {
		operation = service + "." + operation
	}
	return service, operation
}

// numbered is a name from the list, with a number once the list is used up.
func numbered(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return fmt.Sprintf("%s-%d", list[i%len(list)], i/len(list)+1)
}

// connect lets the calls of layer l make calls to the layers below: one to three
// steps (in the last but one layer up to two) of one to three parallel calls.
func (s *system) connect(layers [numLayers]layer, l int, r *rng) {
	next := newDeck(layers[l+1], r)
	for i := layers[l].from; i < layers[l].to; i++ {
		steps := 1 + r.intn(3)
		if l == numLayers-2 {
			steps = r.intn(3)
		}
		for range steps {
			s.calls[i].steps = append(s.calls[i].steps, drawStep(layers, l, next, r))
		}
	}
	// A call that nobody makes would be a name without spans.
	for next.fresh > 0 {
		i := layers[l].from + r.intn(layers[l].to-layers[l].from)
		rare := step{{to: []int32{next.deal(r)}, p: 0.2}}
		s.calls[i].steps = append(s.calls[i].steps, rare)
	}
}

func drawStep(layers [numLayers]layer, l int, next *deck, r *rng) step {
	st := make(step, 1+pick(r, 0.6, 0.25))
	for j := range st {
		st[j].p = [...]float64{1, 0.5, 0.2}[pick(r, 0.6, 0.25)]
		if l+2 < numLayers && r.float() < 0.15 {
			below := layers[l+2]
			st[j].to = []int32{int32(below.from + r.intn(below.to-below.from))}
			continue
		}
		st[j].to = []int32{next.deal(r)}
	}
	return st
}

// pick is 0, 1 or 2 with probabilities p0, p1 and the rest.
func pick(r *rng, p0, p1 float64) int {
	switch u := r.float(); {
	case u < p0:
		return 0
	case u < p0+p1:
		return 1
	default:
		return 2
	}
}

// deck deals the calls of a layer so that each is dealt once before any is dealt
// again.
type deck struct {
	cards []int32
	at    int
	fresh int // cards never dealt
}

func newDeck(l layer, r *rng) *deck {
	d := &deck{}
	for i := l.from; i < l.to; i++ {
		d.cards = append(d.cards, int32(i))
	}
	d.fresh = len(d.cards)
	r.shuffle(d.cards)
	return d
}

func (d *deck) deal(r *rng) int32 {
	if d.at == len(d.cards) {
		d.at = 0
		r.shuffle(d.cards)
	}
	d.fresh = max(0, d.fresh-1)
	d.at++
	return d.cards[d.at-1]
}
