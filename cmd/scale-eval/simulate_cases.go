package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/sim/experiment"
	"github.com/scale-eval/scale-eval/sim/experiment/measure"
	simscenario "github.com/scale-eval/scale-eval/sim/scenario"
)

// simulated are the cases of a command line, and what makes their record theirs.
type simulated struct {
	args  []string // names or files
	cases []*experiment.Case
	about []measure.About
}

// openCases reads the scenarios of the arguments: names of the suite, or files.
func openCases(c *cli.Context, load float64) (*simulated, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		args = simscenario.Suite()
	}
	s := &simulated{args: args}
	o := scenarioOptions(c)
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return nil, usagef("%s: options come before the scenarios: scale-eval %s %s %s", arg, strings.TrimPrefix(c.Command.HelpName, "scale-eval "), arg, args[0])
		}
		if err := s.open(c.Context, arg, o, load); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// scenarioOptions looks for recorded loads in --data.
func scenarioOptions(c *cli.Context) (o simscenario.Options) {
	if dirs := c.StringSlice("data"); len(dirs) > 0 {
		o.Open = func(name string) (io.ReadCloser, error) { return openIn(c.Context, dirs, filepath.Base(name)) }
	}
	return o
}

// openIn opens the file in the first of the folders that has it.
func openIn(ctx context.Context, dirs []string, name string) (io.ReadCloser, error) {
	var text []byte
	err := fs.ErrNotExist
	for _, dir := range dirs {
		if text, err = readNamed(ctx, filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return io.NopCloser(bytes.NewReader(text)), err
}

func (s *simulated) open(ctx context.Context, arg string, o simscenario.Options, load float64) error {
	text, err := simscenario.Text(arg)
	if err != nil {
		text, err = readNamed(ctx, arg)
		if errors.Is(err, fs.ErrNotExist) {
			return usagef("%q is neither a scenario nor a file; see scale-eval simulate --list", arg)
		}
		if err != nil {
			return err
		}
	}
	sc, err := simscenario.Parse(arg, text, o)
	if err != nil {
		return err
	}
	for _, other := range s.about {
		if other.Name == sc.Name {
			return usagef("two scenarios are called %s: give one of them another name", sc.Name)
		}
	}
	sum := sha256.Sum256(append(text, strings.Join(sc.Notes, "\n")...))
	s.about = append(s.about, measure.About{
		Name: sc.Name, Digest: hex.EncodeToString(sum[:8]), Summary: sc.Summary, Lesson: sc.Lesson, Notes: sc.Notes,
	})
	s.cases = append(s.cases, experiment.FromScenario(sc, load))
	return nil
}
