package synth_test

import (
	"fmt"

	"github.com/scale-eval/scale-eval/datasets/synth"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// A stream is a variant, a length and a seed.
func Example() {
	c, err := synth.Named("bookshop")
	if err != nil {
		panic(err)
	}
	c.Spans, c.Seed = 100_000, 7
	d, err := synth.New(c)
	if err != nil {
		panic(err)
	}
	var s trace.Span
	kinds := map[string]int{}
	for d.Decode(&s) == nil {
		kinds[s.Label.String()+" "+s.Kind]++
	}
	fmt.Println(kinds)
	// Output: map[anomalous network-delay:520 anomalous retry:50 anomalous slow-dependency:442 anomalous slow-self:688 normal :95134 propagated :3166]
}
