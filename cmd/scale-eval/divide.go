package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/eval/shards"
)

// divided is a command whose work is divided into units, in each process that plans,
// computes or collects them. What decides a result is the same in all of them.
type divided interface {
	// identity is what decides results beside options and version: of the data.
	identity() (any, error)
	// prepare computes what all shards need. Planning calls it once.
	prepare() (any, error)
	// local names something that it reads and that is on this machine only; "": nothing.
	local() string
	// next are the units that can be computed when those of done are; none: that is all.
	next(done shards.Results) ([]any, error)
	// compute gives the results of units, one or more of each.
	compute(units []json.RawMessage) ([][]any, error)
	// conclude writes and prints what the command does, from the results of all units.
	conclude(done shards.Results) error
}

// divisible is a kind of divided work.
type divisible struct {
	command func() *cli.Command
	takes   func(flag string) bool // whether a flag of command makes sense when it is divided
	units   string                 // what units are called
	rounds  bool                   // units may follow from results
	usage   string
	teaches string
	open    func(*cli.Context, *shards.Division) (divided, error)
}

// divisibles are the commands that submit divides into units.
func divisibles() []divisible { return []divisible{dividedCompare(), dividedTune(), dividedSimulate()} }

func (k *divisible) name() string { return k.command().Name }

// divisibleOf is the one of a name; nil: there is none.
func divisibleOf(name string) *divisible {
	for _, k := range divisibles() {
		if k.name() == name {
			return &k
		}
	}
	return nil
}

// division is divided work with its plan.
type division struct {
	divided
	kind  divisible
	c     *cli.Context // of the command that is divided
	store *shards.Store
	plan  *shards.Division
}

// freshContext is the context of a command of which no option is given.
func freshContext(c *cli.Context, command *cli.Command, args []string) (*cli.Context, error) {
	set := flag.NewFlagSet(command.Name, flag.ContinueOnError)
	for _, f := range command.Flags {
		if err := f.Apply(set); err != nil {
			return nil, err
		}
	}
	if err := set.Parse(append([]string{"--"}, args...)); err != nil {
		return nil, err
	}
	fresh := cli.NewContext(c.App, set, c)
	command.HelpName = c.Command.HelpName
	fresh.Command = command
	return fresh, nil
}

// setOptions are the flags of c that were set and that takes.
func setOptions(c *cli.Context, flags []cli.Flag, takes func(string) bool) map[string][]string {
	options := map[string][]string{}
	for _, f := range flags {
		name := f.Names()[0]
		switch _, isSlice := f.(*cli.StringSliceFlag); {
		case !c.IsSet(name) || !takes(name):
		case isSlice:
			options[name] = c.StringSlice(name)
		default:
			options[name] = []string{fmt.Sprint(c.Value(name))}
		}
	}
	return options
}

// apply sets options of c.
func apply(c *cli.Context, options map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if err := setFlag(c, name, options[name]); err != nil {
			return fmt.Errorf("option %q = %q: %w", name, options[name], err)
		}
	}
	return nil
}

// setFlag gives a flag of c its values. Those of a list may have commas, which Set would
// part them at in a context that no command line was parsed for.
func setFlag(c *cli.Context, name string, values []string) error {
	if _, isSlice := findFlag(c.Command.Flags, name).(*cli.StringSliceFlag); isSlice && len(values) > 0 {
		values = []string{cli.NewStringSlice(values...).Serialize()}
	}
	for _, v := range values {
		if err := c.Set(name, v); err != nil {
			return err
		}
	}
	return nil
}

// planDivision divides the work that c, of submit, describes, as if the storage were
// empty. Its first round is not there yet.
func planDivision(c *cli.Context, kind divisible) (*division, error) {
	store, err := shards.OpenStore(c.Context, c.String("storage"))
	if err != nil {
		return nil, err
	}
	fresh, err := freshContext(c, kind.command(), c.Args().Slice())
	if err != nil {
		return nil, err
	}
	if err := apply(fresh, setOptions(c, fresh.Command.Flags, kind.takes)); err != nil {
		return nil, err
	}
	if findFlag(fresh.Command.Flags, "config") != nil {
		if err := applyConfig(fresh); err != nil {
			return nil, err
		}
	}
	plan := &shards.Division{
		Version: shards.DivisionVersion, Kind: kind.name(), Tool: version, Args: fresh.Args().Slice(), Data: fresh.StringSlice("data"),
		Options: setOptions(fresh, fresh.Command.Flags, func(name string) bool {
			return kind.takes(name) && name != "data" && name != "config"
		}),
		Files: map[string][]byte{}, Shards: c.Int("shards"),
	}
	carry(fresh, &carried{files: plan.Files, adds: true})
	d := &division{kind: kind, c: fresh, store: store, plan: plan}
	if d.divided, err = kind.open(fresh, plan); err != nil {
		return nil, err
	}
	plan.Key, err = d.key()
	return d, err
}

// key tells divisions apart whose parts must not be mixed.
func (d *division) key() (string, error) {
	data, err := d.identity()
	if err != nil {
		return "", err
	}
	p := d.plan
	b, err := json.Marshal([]any{shards.DivisionVersion, version, p.Kind, p.Options, p.Args, p.Files, p.Shards, data})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// storedDivision is the division that is in the storage of c.
func storedDivision(c *cli.Context, store *shards.Store) (*division, error) {
	plan, err := store.ReadDivision()
	if err != nil {
		return nil, err
	}
	kind := divisibleOf(plan.Kind)
	if kind == nil {
		return nil, fmt.Errorf("storage %s holds a plan of %q, which this version does not know", store.URL(""), plan.Kind)
	}
	if plan.Tool != version {
		return nil, fmt.Errorf("storage %s was planned by version %q, this is %q: use that version, or submit to an empty folder", store.URL(""), plan.Tool, version)
	}
	fresh, err := freshContext(c, kind.command(), plan.Args)
	if err != nil {
		return nil, err
	}
	data := plan.Data
	if given := c.StringSlice("data"); len(given) > 0 {
		data = given
	}
	if err := errors.Join(apply(fresh, plan.Options), apply(fresh, map[string][]string{"data": data})); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	carry(fresh, &carried{files: plan.Files})
	d := &division{kind: *kind, c: fresh, store: store, plan: plan}
	if d.divided, err = kind.open(fresh, plan); err != nil {
		return nil, err
	}
	key, err := d.key()
	if err == nil && key != plan.Key {
		err = fmt.Errorf("the data are not those that storage %s was planned with: bring them back, or submit to an empty folder", store.URL(""))
	}
	return d, err
}

// resume takes over the plan that the storage has of the same division, if there is one.
func (d *division) resume() error {
	old, err := d.store.ReadDivision()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if old.Key != d.plan.Key {
		return fmt.Errorf("storage %s holds another %s: %s; name an empty folder or remove it", d.store.URL(""), old.Kind, differs(old, d.plan))
	}
	d.plan.Shared, d.plan.Rounds = old.Shared, old.Rounds
	return nil
}

// differs says in what a division differs from an older one.
func differs(old, now *shards.Division) string {
	if old.Kind != now.Kind {
		return "not a " + now.Kind
	}
	if old.Tool != now.Tool {
		return fmt.Sprintf("of version %q, this is %q", old.Tool, now.Tool)
	}
	if old.Shards != now.Shards {
		return fmt.Sprintf("of %d shards, not %d", old.Shards, now.Shards)
	}
	if !slices.Equal(old.Args, now.Args) {
		return fmt.Sprintf("of %q, not %q", old.Args, now.Args)
	}
	names := append(slices.Collect(maps.Keys(old.Options)), slices.Collect(maps.Keys(now.Options))...)
	slices.Sort(names)
	for _, name := range names {
		if was, is := old.Options[name], now.Options[name]; !slices.Equal(was, is) {
			return fmt.Sprintf("of --%s %q, not %q", name, was, is)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now.Files)) {
		if !bytes.Equal(old.Files[name], now.Files[name]) {
			return "of another " + name
		}
	}
	return "of other data"
}

// missing lists the shards to compute, of the next round if those of one are done. With
// none all is done. What it plans it writes.
func (d *division) missing() ([]int, error) {
	if len(d.plan.Rounds) == 0 {
		shared, err := d.prepare()
		if err != nil {
			return nil, err
		}
		if d.plan.Shared, err = json.Marshal(shared); err != nil {
			return nil, err
		}
		if _, err := d.advance(nil); err != nil {
			return nil, err
		}
	}
	for {
		parts, err := d.store.MissingParts(d.plan)
		if missing := anyRound(parts); len(missing) > 0 || err != nil {
			return missing, err
		}
		done, err := d.store.ReadParts(d.plan)
		if err != nil {
			return nil, err
		}
		if more, err := d.advance(done); !more || err != nil {
			return nil, err
		}
	}
}

// anyRound are the shards that a list of any round has.
func anyRound(rounds [][]int) []int {
	all := slices.Concat(rounds...)
	slices.Sort(all)
	return slices.Compact(all)
}

// planned plans the next round, if one is due.
func (d *division) planned(dry bool) (key string, n int, missing []int, err error) {
	switch {
	case !dry:
		missing, err = d.missing()
	case len(d.plan.Rounds) > 0:
		var parts [][]int
		parts, err = d.store.MissingParts(d.plan)
		missing = anyRound(parts)
	default:
		var units []any
		units, err = d.next(nil)
		missing = firstInts(min(d.plan.Shards, len(units)))
	}
	return d.plan.Key, d.plan.Shards, missing, err
}

// advance plans the round that follows done, if there is one.
func (d *division) advance(done shards.Results) (more bool, err error) {
	units, err := d.next(done)
	if err != nil || len(units) == 0 {
		return false, err
	}
	round := make([]json.RawMessage, len(units))
	for i, u := range units {
		if round[i], err = json.Marshal(u); err != nil {
			return false, err
		}
	}
	d.plan.Rounds = append(d.plan.Rounds, round)
	return true, d.store.WriteDivision(d.plan)
}

// work computes the parts of a shard that are missing and says what it did.
func (d *division) work(shard int) (string, error) {
	did, units := 0, 0
	for round := range d.plan.Rounds {
		mine := d.plan.UnitsOf(round, shard)
		units += len(mine)
		if done, err := d.store.Has(shards.PartFile(round, shard)); err != nil {
			return "", err
		} else if done || len(mine) == 0 {
			continue
		}
		if err := d.part(round, shard, mine); err != nil {
			return "", err
		}
		did += len(mine)
	}
	switch {
	case units == 0:
		return fmt.Sprintf("shard %d has nothing to do", shard), nil
	case did == 0:
		return fmt.Sprintf("shard %d is done already", shard), nil
	}
	return fmt.Sprintf("shard %d of %d: %d %s", shard, d.plan.Shards, did, d.kind.units), nil
}

// part computes the units of a shard in a round and writes their results.
func (d *division) part(round, shard int, mine []int) error {
	units := make([]json.RawMessage, len(mine))
	for i, u := range mine {
		units[i] = d.plan.Rounds[round][u]
	}
	results, err := d.compute(units)
	if err != nil {
		return err
	}
	lines := make([][]json.RawMessage, len(results))
	for i, of := range results {
		for _, r := range of {
			b, err := json.Marshal(r)
			if err != nil {
				return err
			}
			lines[i] = append(lines[i], b)
		}
	}
	return d.store.WritePart(d.plan, round, shard, lines)
}

// collect writes what the command writes, from the parts.
func (d *division) collect() error {
	done, err := d.store.ReadParts(d.plan)
	if err != nil {
		return err
	}
	more, err := d.next(done)
	if err != nil {
		return err
	}
	if len(more) > 0 {
		return fmt.Errorf("the %d rounds that were planned are done, and %d %s follow from them: submit again", len(d.plan.Rounds), len(more), d.kind.units)
	}
	return d.conclude(done)
}

// decode reads a unit or a result; the plan or a part that it is of has been checked.
func decode[T any](b json.RawMessage) (v T, err error) {
	if err = json.Unmarshal(b, &v); err != nil {
		err = fmt.Errorf("plan or part: %w", err)
	}
	return v, err
}
