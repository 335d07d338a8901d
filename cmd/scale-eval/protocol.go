package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets"
	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/eval"
)

const protocolCategory = "PROTOCOL"

func protocolFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "protocol", Value: "auto", Category: protocolCategory,
			Usage: "`PROTOCOL`: paper, labels, prequential or auto"},
		&cli.StringFlag{Name: "train", Value: "auto", Category: protocolCategory,
			Usage: "`FRACTION` of the spans, from the first, that trains; auto: what the dataset sets apart for it, else 0.25"},
		&cli.StringFlag{Name: "learn", Value: eval.Frozen.String(), Category: protocolCategory,
			Usage: "what the sampler learns of the test part: `MODE` frozen, learn-then-score or score-then-learn (prequential is always the last)"},
		&cli.Float64Flag{Name: "shock-fraction", Value: 0.05, Category: protocolCategory,
			Usage: "share of the spans that are shocked, `0..1`"},
		&cli.StringFlag{Name: "shock-of", Value: inject.OfTest.String(), Category: protocolCategory,
			Usage: "what --shock-fraction is a fraction of: `PART` test or train"},
		&cli.DurationFlag{Name: "shock-bump", Value: 5 * time.Millisecond, Category: protocolCategory,
			Usage: "added to a shocked duration before it is multiplied"},
		&cli.StringFlag{Name: "shock-factor", Value: "8..10", Category: protocolCategory,
			Usage: "a shocked duration is multiplied by a number or a range `LO..HI`, drawn a span"},
		&cli.BoolFlag{Name: "shock-one-factor", Category: protocolCategory,
			Usage: "draw one factor for all shocked spans"},
	}
}

// split says which spans train, which test, and where the labels come from.
type split struct {
	protocol    string
	mode        eval.Mode
	train, test int64
	shocks      *inject.Plan // nil: the dataset's own labels
	faults      []eval.FaultResult
}

func newSplit(c *cli.Context, ds *catalog.Dataset, n *census) (*split, error) {
	mode, err := eval.ParseMode(c.String("learn"))
	if err != nil {
		return nil, usagef("--learn: %w", err)
	}
	s := &split{protocol: c.String("protocol"), mode: mode}
	if s.protocol == "auto" {
		s.protocol = "paper"
		if n.positives > 0 {
			s.protocol = "labels"
		}
	}
	opt, err := shockOptions(c, c.String("shock-factor"), c.Uint64("seed"))
	if err != nil {
		return nil, err
	}
	switch {
	case s.protocol == "paper":
		return s, s.shock(opt, n.kept)
	case s.protocol == "labels" && n.positives == 0:
		return nil, fmt.Errorf("dataset %s: %w", ds.Name, errNoPositives)
	case s.protocol == "labels":
		s.ownTrain(c, ds, opt, n)
	case s.protocol == "prequential":
		s.mode = eval.ScoreThenLearn
		if n.positives == 0 {
			opt.Train = 0
			return s, s.shock(opt, n.kept)
		}
	default:
		return nil, checkProtocol(c)
	}
	s.ownLabels(ds, n)
	return s, nil
}

var errNoPositives = errors.New("no span is labelled anomalous: use --protocol paper, which injects shocks")

func checkProtocol(c *cli.Context) error {
	switch p := c.String("protocol"); p {
	case "paper", "labels", "prequential", "auto":
		return nil
	default:
		return usagef("--protocol %q: want paper, labels, prequential or auto", p)
	}
}

// noTest says why nothing is left to test on.
func (s *split) noTest(n *census) error {
	return fmt.Errorf("no span is left to test on: of %d, %d train and %d last --max_duration or longer", n.read, s.train, n.read-s.train)
}

// ownTrain sets the training part of a dataset with labels of its own.
func (s *split) ownTrain(c *cli.Context, ds *catalog.Dataset, opt inject.Options, n *census) {
	if s.train = ds.TrainSpans(); s.train == 0 || c.String("train") != "auto" {
		s.train = opt.TrainOf(n.read)
	}
}

// ownLabels tests every span behind the training part by the dataset's labels.
func (s *split) ownLabels(ds *catalog.Dataset, n *census) {
	s.test = n.read - s.train
	s.faults = faultResults(ds.Faults())
}

func (s *split) shock(opt inject.Options, kept int64) error {
	plan, err := opt.Plan(kept)
	if err != nil {
		return usageError{inFlagNames(err)}
	}
	s.shocks, s.train, s.test = &plan, plan.TrainSpans, plan.TestSpans
	return nil
}

// ignored says which options were given that this split has no use for.
func (s *split) ignored(c *cli.Context) (notes []string) {
	for _, f := range protocolFlags() {
		name := f.Names()[0]
		set := flag.NewFlagSet(name, flag.ContinueOnError)
		if err := f.Apply(set); err != nil || fmt.Sprint(c.Value(name)) == set.Lookup(name).DefValue {
			continue // the default
		}
		switch {
		case s.shocks == nil && strings.HasPrefix(name, "shock-"):
			notes = append(notes, fmt.Sprintf("--%s has no effect on a dataset's own labels: --protocol paper injects shocks", name))
		case s.protocol == "prequential" && name == "train":
			notes = append(notes, "--train has no effect: prequential tests from the first span on")
		case s.protocol == "prequential" && name == "learn" && c.String(name) != s.mode.String():
			notes = append(notes, "--learn has no effect: prequential scores each span, then learns it")
		}
	}
	return notes
}

// shockOptions reads Track A from the flags, all but the factor and the seed, which
// a comparison varies.
func shockOptions(c *cli.Context, factor string, seed uint64) (inject.Options, error) {
	lo, hi, err := parseRange(cmp.Or(factor, "1"))
	if err != nil {
		return inject.Options{}, usagef("--shock-factor: %w", err)
	}
	train := 0.25 // the paper's
	if v := c.String("train"); v != "auto" {
		if train, err = strconv.ParseFloat(v, 64); err != nil {
			return inject.Options{}, usagef("--train %q: want a fraction from 0 to 1, or auto", v)
		}
	}
	opt := inject.Options{
		MaxDuration: maxDurationNs(c),
		Train:       train,
		Seed:        seed,
		Shock: inject.Shock{
			Fraction: c.Float64("shock-fraction"), Bump: int64(c.Duration("shock-bump")),
			FactorLo: lo, FactorHi: hi, OneFactor: c.Bool("shock-one-factor"),
		},
	}
	switch c.String("shock-of") {
	case inject.OfTest.String():
	case inject.OfTrain.String():
		opt.Shock.Of = inject.OfTrain
	default:
		return opt, usagef("--shock-of %q: want test or train", c.String("shock-of"))
	}
	if err := opt.Validate(); err != nil {
		return opt, usageError{inFlagNames(err)}
	}
	return opt, nil
}

// parseRange reads "8..10" or "3".
func parseRange(s string) (lo, hi float64, err error) {
	a, b, isRange := strings.Cut(s, "..")
	if lo, err = strconv.ParseFloat(a, 64); err != nil {
		return 0, 0, fmt.Errorf("%q is neither a number nor a range LO..HI", s)
	}
	if !isRange {
		return lo, lo, nil
	}
	if hi, err = strconv.ParseFloat(b, 64); err != nil {
		return 0, 0, fmt.Errorf("%q is neither a number nor a range LO..HI", s)
	}
	return lo, hi, nil
}

// maxDurationNs is the filter of the paper's protocol, which is also the range of
// its sampler's duration feature.
func maxDurationNs(c *cli.Context) int64 { return int64(c.Float64("max_duration") * 1e6) }

// labelled is the source with the labels that the protocol says.
func (s *split) labelled(src trace.Source) trace.Source {
	if s.shocks == nil {
		return src
	}
	return inject.TrackA(src, *s.shocks)
}

// steady is how many spans of the labelled source stay as they are.
func (s *split) steady() int {
	if s.shocks != nil {
		return 1
	}
	return datasets.SteadySpans
}

func (s *split) testPart(src trace.Source) trace.Source {
	return take(s.labelled(src), s.train, s.train+s.test)
}

// take yields the spans [from, to) of src and whatever error comes before to. At
// the end it asks src once more, because a source that checks its length does so
// behind the last span.
func take(src trace.Source, from, to int64) trace.Source {
	return func(yield func(*trace.Span, error) bool) {
		i := int64(0)
		for s, err := range src {
			if err != nil {
				yield(nil, err)
				return
			}
			if i >= to {
				return
			}
			if i >= from && !yield(s, nil) {
				return
			}
			i++
		}
	}
}

func faultResults(faults []inject.FaultCounts) []eval.FaultResult {
	var out []eval.FaultResult
	for _, f := range faults {
		out = append(out, eval.FaultResult{Name: f.Name(), Type: f.Type, Target: f.Target, At: f.At})
	}
	return out
}

// shockFlags are the flags behind the fields that package inject names.
var shockFlags = strings.NewReplacer("inject: ", "", "Shock.Fraction", "--shock-fraction", "Shock.Bump", "--shock-bump",
	"Shock.FactorLo", "the lower end of --shock-factor", "Shock.FactorHi", "the upper end of --shock-factor",
	"MaxDuration", "--max_duration", "Train ", "--train ")

// inFlagNames says a mistake in the user's words.
func inFlagNames(err error) error { return errors.New(shockFlags.Replace(err.Error())) }
