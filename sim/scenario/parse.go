package scenario

import (
	"errors"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live/strictyaml"
	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/random"
)

// Version of the format that this package reads.
const Version = 1

// MaxDuration is the longest scenario: 31 days of measured time.
const MaxDuration = 31 * 24 * time.Hour

// MaxReplicas is how many pods a scenario may begin with.
const MaxReplicas = 20_000

// Options of the reader.
type Options struct {
	// Open opens a recorded load by its name in the file. nil, or an error that is
	// fs.ErrNotExist: it is not there, and the load that the file describes instead
	// is used.
	Open func(name string) (io.ReadCloser, error)
}

// Error is one thing wrong with a file.
type Error = strictyaml.Error

// Parse reads a scenario. file names it in errors, which are all of type [*Error],
// joined; the Scenario is then nil.
func Parse(file string, text []byte, o Options) (*Scenario, error) {
	s, p := parse(file, text, o)
	if err := p.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func parse(file string, text []byte, o Options) (*Scenario, *parser) {
	r, root := strictyaml.Open(file, text, "version, name, services and clients")
	p := &parser{Reader: r, options: o, s: &Scenario{Warmup: 300e9, Duration: 2400e9}}
	if root == nil {
		return nil, p
	}
	p.file(root)
	if p.OK() {
		p.meaning()
	}
	return p.s, p
}

// parser reads one file.
type parser struct {
	*strictyaml.Reader
	options Options
	s       *Scenario
	checks  []func() // on names, when all of them are known
}

type fields []strictyaml.Field

// field is a field and what reads it.
func field(name string, read strictyaml.Read) strictyaml.Field {
	return strictyaml.Field{Name: name, Read: read}
}

// each reads a list.
func (p *parser) each(read strictyaml.Read) strictyaml.Read {
	return func(n *yaml.Node, path string) { p.List(n, path, read) }
}

// ns reads a duration.
func (p *parser) ns(to *int64) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		var d time.Duration
		p.Duration(&d)(n, path)
		*to = int64(d)
	}
}

// within reads a number in a range.
func (p *parser) within(to *float64, low, high float64, what string) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		p.Number(to, what)(n, path)
		if p.OK() && !(*to >= low && *to <= high) {
			p.BadAt(path, "want %s, %g to %g, found %g", what, low, high, *to)
		}
	}
}

// whole reads an integer in a range.
func (p *parser) whole(to *int, low, high int) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		p.Integer(to)(n, path)
		if p.OK() && (*to < low || *to > high) {
			p.BadAt(path, "want %d to %d, found %d", low, high, *to)
		}
	}
}

func (p *parser) cores(to *float64) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		p.Scalar(n, path, "cores such as 2 or 250m", func(s string) error {
			milli, err := strictyaml.ParseCPU(s)
			if *to = float64(milli) / 1000; err == nil && milli == 0 {
				return errors.New("no capacity; leave the field out for no limit")
			}
			return err
		})
	}
}

func (p *parser) mib(to *float64) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		p.Scalar(n, path, "memory such as 512Mi", func(s string) error {
			bytes, err := strictyaml.ParseMemory(s)
			*to = float64(bytes) / (1 << 20)
			return err
		})
	}
}

// dist reads a distribution of seconds: a duration (always that long), {mean, scv}
// (lognormal), {median, sigma} (lognormal), {exponential: mean}, or {uniform: [a, b]}.
func (p *parser) dist(to *random.Dist) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		var d time.Duration
		if n.Kind == yaml.ScalarNode {
			p.Duration(&d)(n, path)
			*to = random.Constant(d.Seconds())
			return
		}
		var mean, median, exponential time.Duration
		var ends []float64
		scv, sigma := 1.0, 0.0
		p.Object(n, path, "distribution", fields{
			field("mean", p.Duration(&mean)),
			field("scv", p.Number(&scv, "a squared coefficient of variation such as 1")),
			field("median", p.Duration(&median)),
			field("sigma", p.Number(&sigma, "a standard deviation of the logarithm such as 0.4")),
			field("exponential", p.Duration(&exponential)),
			field("uniform", p.each(func(n *yaml.Node, path string) {
				p.Duration(&d)(n, path)
				ends = append(ends, d.Seconds())
			})),
		})
		if !p.OK() {
			return
		}
		var err error
		switch ways := []bool{mean > 0, median > 0, exponential > 0, len(ends) > 0}; {
		case count(ways) != 1 || len(ends) > 0 && (len(ends) != 2 || ends[0] > ends[1]):
			err = errors.New("want a duration, or one of {mean, scv}, {median, sigma}, {exponential} and {uniform: [low, high]}, above 0")
		case mean > 0:
			*to, err = random.NewLognormal(mean.Seconds(), scv)
		case median > 0:
			*to, err = random.NewLognormalMedian(median.Seconds(), sigma)
		case exponential > 0:
			*to, err = random.NewExponential(exponential.Seconds())
		default:
			*to, err = random.NewEmpirical(ends) // two order statistics: uniform between
		}
		if err != nil {
			p.BadAt(path, "%v", err)
		}
	}
}

func count(on []bool) (n int) {
	for _, b := range on {
		if b {
			n++
		}
	}
	return n
}

// meaning checks names, and that the system can be built.
func (p *parser) meaning() {
	for _, check := range p.checks {
		check()
	}
	if !p.OK() {
		return
	}
	replicas, users := 0, 0
	for i := range p.s.Services {
		replicas += min(max(0, p.s.Services[i].Replicas), sim.MaxReplicas)
	}
	for i := range p.s.Clients {
		users += min(max(0, p.s.Clients[i].Users), sim.MaxUsers)
	}
	switch {
	case replicas > MaxReplicas:
		p.BadAt("services", "%d replicas in all: want at most %d", replicas, MaxReplicas)
		return
	case users > sim.MaxUsers:
		p.BadAt("clients", "%d users in all: want at most %d", users, sim.MaxUsers)
		return
	}
	if _, err := sim.New(p.s.Topology(1), 0); err != nil {
		p.topology(err)
	}
}

// topology gives the errors of the simulator, whose paths are those of the file, a
// place in it.
func (p *parser) topology(err error) {
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, e := range list {
		var f *sim.FieldError
		if errors.As(e, &f) {
			p.BadAt(f.Field, "%s", f.Msg)
			continue
		}
		p.BadAt("", "%v", e)
	}
}

// serviceName reads the name of a service.
func (p *parser) serviceName(to *string) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		p.Text(to, "the name of a service")(n, path)
		name := *to
		p.checks = append(p.checks, func() {
			if p.service(name) == nil {
				p.BadAt(path, "no service %q; want one of %s", strictyaml.Clip(name), strictyaml.Clip(p.known()))
			}
		})
	}
}

// clientName reads the name of a client.
func (p *parser) clientName(to *string) strictyaml.Read {
	return func(n *yaml.Node, path string) {
		p.Text(to, "the name of a client")(n, path)
		name := *to
		p.checks = append(p.checks, func() {
			if p.client(name) == nil {
				p.BadAt(path, "no client %q; want the name of one in clients", strictyaml.Clip(name))
			}
		})
	}
}

func (p *parser) client(name string) *Client {
	for i := range p.s.Clients {
		if p.s.Clients[i].Name == name {
			return &p.s.Clients[i]
		}
	}
	return nil
}

func (p *parser) service(name string) *sim.Service {
	for i := range p.s.Services {
		if p.s.Services[i].Name == name {
			return &p.s.Services[i]
		}
	}
	return nil
}

func (p *parser) known() string {
	var names []string
	for i := range p.s.Services {
		names = append(names, p.s.Services[i].Name)
	}
	return strings.Join(names, ", ")
}
