package shards

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/objects"
)

// Division is the plan of a command whose result is that of units: things to compute
// that do not need one another, such as one sampler's test on one seed. If what is to be
// computed next depends on results, as in a search, there are several rounds of units.
type Division struct {
	Version int                 `json:"version"`
	Kind    string              `json:"kind"`    // the command
	Key     string              `json:"key"`     // of all that decides a result: another division has another
	Tool    string              `json:"tool"`    // version of the program
	Options map[string][]string `json:"options"` // flags of the command that were set
	Args    []string            `json:"args"`
	Data    []string            `json:"data"`             // folders in which data are looked for
	Files   map[string][]byte   `json:"files"`            // what small files that options name hold
	Shared  json.RawMessage     `json:"shared,omitempty"` // what planning computed for all shards
	Shards  int                 `json:"shards"`
	Rounds  [][]json.RawMessage `json:"rounds"` // what units are, is the command's to say
}

// DivisionVersion is the version of Division's JSON.
const DivisionVersion = 1

// UnitsOf are the units of a round that a shard computes: every Shards-th, so that
// neighbours, which take about as long, are spread. With more shards than units some
// have none.
func (d *Division) UnitsOf(round, shard int) (units []int) {
	for i := shard; i < len(d.Rounds[round]); i += d.Shards {
		units = append(units, i)
	}
	return units
}

// Results are JSON values, any number of them for each unit of each round.
type Results [][][]json.RawMessage

// PartFile is the name of what a shard computed of a round.
func PartFile(round, shard int) string {
	return fmt.Sprintf("round-%03d-shard-%05d.part", round, shard)
}

// partLine is a line of a part: its head, or a result of a unit.
type partLine struct {
	Key    string          `json:"key,omitempty"` // of the division, in the head only
	Unit   int             `json:"unit"`
	Result json.RawMessage `json:"result,omitempty"`
}

// WriteDivision writes the plan of a division.
func (s *Store) WriteDivision(d *Division) error {
	return s.Write(PlanFile, func(w io.Writer) error { return json.NewEncoder(w).Encode(d) })
}

// ReadDivision reads it; its error wraps fs.ErrNotExist if there is no plan.
func (s *Store) ReadDivision() (*Division, error) {
	kind, err := s.Kind()
	if err != nil {
		return nil, err
	}
	if kind == kindRun {
		return nil, &KindError{s.URL(""), kind}
	}
	d := &Division{}
	if err := s.readPlan(d); err != nil {
		return nil, err
	}
	if d.Version != DivisionVersion {
		return nil, fmt.Errorf("%s: plan of version %d, this program reads version %d", s.URL(PlanFile), d.Version, DivisionVersion)
	}
	if d.Shards < 1 || len(d.Rounds) == 0 {
		return nil, s.damaged(PlanFile, fmt.Errorf("%d shards of %d rounds", d.Shards, len(d.Rounds)))
	}
	return d, nil
}

// kindRun is what a [Plan] is of, which names no kind.
const kindRun = "run"

// KindError is a store that has the plan of another command.
type KindError struct{ URL, Kind string }

func (e *KindError) Error() string {
	return fmt.Sprintf("storage %s holds a plan of %s: name an empty folder", e.URL, e.Kind)
}

// Kind is the command whose plan is in the store; its error wraps fs.ErrNotExist if
// there is none.
func (s *Store) Kind() (string, error) {
	var head struct {
		Kind string `json:"kind"`
	}
	if err := s.readPlan(&head); err != nil {
		return "", err
	}
	if head.Kind == "" {
		return kindRun, nil
	}
	return head.Kind, nil
}

// readPlan reads plan.json, whatever it is of.
func (s *Store) readPlan(into any) error {
	b, err := objects.ReadAll(s.files, PlanFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return s.damaged(PlanFile, err)
	}
	return nil
}

// MissingParts lists, for each round, the shards whose part is not there. Those that have
// no units miss nothing.
func (s *Store) MissingParts(d *Division) ([][]int, error) {
	there, err := s.names()
	if err != nil {
		return nil, err
	}
	missing := make([][]int, len(d.Rounds))
	for round, units := range d.Rounds {
		for i := range min(d.Shards, len(units)) {
			if !there[PartFile(round, i)] {
				missing[round] = append(missing[round], i)
			}
		}
	}
	return missing, nil
}

// WritePart writes the results of a shard: those of units[i] are results[i], one or more.
func (s *Store) WritePart(d *Division, round, shard int, results [][]json.RawMessage) error {
	units := d.UnitsOf(round, shard)
	if len(results) != len(units) {
		return fmt.Errorf("results of %d units, shard %d has %d", len(results), shard, len(units))
	}
	return s.writePacked(PartFile(round, shard), gzip.BestSpeed, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		out := json.NewEncoder(b)
		if err := out.Encode(partLine{Key: d.Key}); err != nil {
			return err
		}
		for i, unit := range units {
			if len(results[i]) == 0 {
				return fmt.Errorf("no result of unit %d", unit)
			}
			for _, r := range results[i] {
				if err := out.Encode(partLine{Unit: unit, Result: r}); err != nil {
					return err
				}
			}
		}
		return b.Flush()
	})
}

// ReadParts reads the results of all rounds. It errs if a part is missing, damaged, or
// of another division.
func (s *Store) ReadParts(d *Division) (Results, error) {
	missing, err := s.MissingParts(d)
	if err != nil {
		return nil, err
	}
	all := make(Results, len(d.Rounds))
	for round := range d.Rounds {
		if n := len(missing[round]); n > 0 {
			return nil, fmt.Errorf("%d of %d shards are not done, the first: %d", n, d.Shards, missing[round][0])
		}
		all[round] = make([][]json.RawMessage, len(d.Rounds[round]))
		for shard := range min(d.Shards, len(d.Rounds[round])) {
			if err := s.readPart(d, round, shard, all[round]); err != nil {
				return nil, s.damaged(PartFile(round, shard), err)
			}
		}
	}
	return all, nil
}

func (s *Store) readPart(d *Division, round, shard int, into [][]json.RawMessage) error {
	r, err := s.openPacked(PartFile(round, shard))
	if err != nil {
		return err
	}
	defer r.Close()
	in := json.NewDecoder(r)
	var head partLine
	if err := in.Decode(&head); err != nil {
		return err
	}
	if head.Key != d.Key {
		return fmt.Errorf("it is of another plan")
	}
	for {
		var l partLine
		err := in.Decode(&l)
		if err == io.EOF {
			break // behind the checksum
		}
		if err != nil {
			return err
		}
		if l.Unit < 0 || l.Unit >= len(into) || l.Unit%d.Shards != shard || l.Result == nil {
			return fmt.Errorf("a result of unit %d, which the shard does not have", l.Unit)
		}
		into[l.Unit] = append(into[l.Unit], l.Result)
	}
	for _, unit := range d.UnitsOf(round, shard) {
		if into[unit] == nil {
			return fmt.Errorf("no result of unit %d", unit)
		}
	}
	return nil
}
