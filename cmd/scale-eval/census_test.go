package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/reports"
)

// Parts count what one pass counts, and number calls alike, also where rules change
// a name that they have changed already; with too many calls they leave it to the pass.
func TestCensusInParts(t *testing.T) {
	ds := folderOfSpans(t)
	cuts, marks := ds.Cuts(4), []int64{0, 1, 1999, 2000, 2000, 4100, 6000, 7000}
	if len(cuts) != 5 {
		t.Fatalf("6000 spans are cut at %d", cuts)
	}
	for _, test := range []struct {
		args []string
		ok   bool
	}{
		{nil, true},
		{[]string{"--max_duration", "20"}, true},
		{[]string{"--sanitise", "$=>x"}, true},
		{[]string{"--max-calls", "3"}, false},
	} {
		take := &taker{cores: newTurns(), c: flagsOfRun(t, test.args), ds: ds, want: censusColumns, bar: &progress{}}
		var calls [2]*trace.Calls
		for i := range calls {
			calls[i] = callsOf(t, take.c)
		}
		got, ok := take.parts(calls[0], cuts, marks)
		want, _, err := take.whole(calls[1], marks)
		if err != nil {
			t.Fatal(err)
		}
		if ok != test.ok {
			t.Errorf("%v: parts are ok: %v", test.args, ok)
		}
		if !ok {
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: parts count %+v, the whole %+v", test.args, got, want)
		}
		if got, want := names(calls[0]), names(calls[1]); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: parts number calls %v, the whole %v", test.args, got, want)
		}
	}
}

// What the files state of their times stands for reading them, where no span is too long.
func TestCensusTakesWhatIsStated(t *testing.T) {
	ds := folderOfSpans(t)
	for _, args := range [][]string{nil, {"--max_duration", "20"}} {
		c := flagsOfRun(t, args)
		got, err := takeCensus(c, ds, callsOf(t, c), []int64{0, 1500, 6000})
		if err != nil {
			t.Fatal(err)
		}
		take := &taker{cores: newTurns(), c: c, ds: ds, want: censusColumns, bar: &progress{}}
		all, bad, err := take.whole(callsOf(t, c), []int64{0, 1500, 6000})
		if err != nil {
			t.Fatal(err)
		}
		want := &census{read: all.Read, kept: all.Kept, positives: all.Positives, bad: got.bad, firstStart: all.FirstStart, lastStart: all.LastStart, keptAt: all.KeptAt}
		if !reflect.DeepEqual(got, want) || got.bad.Total != bad.Total || want.lastStart <= want.firstStart {
			t.Errorf("%v: %+v, want %+v", args, got, want)
		}
		if cut := args != nil; cut != (want.kept < want.read) {
			t.Errorf("%v: %d of %d spans are kept", args, want.kept, want.read)
		}
	}
}

// A run that trusts what files state comes to the same result as one that counts first,
// also where it has to begin anew: with more calls than fit, or all positives in training.
func TestRunTrustsWhatIsStated(t *testing.T) {
	ds := folderOfSpans(t)
	for _, test := range []struct {
		args           []string
		trusted, stays bool
	}{
		{nil, true, true},
		{[]string{"--protocol", "paper"}, true, true},
		{[]string{"--protocol", "prequential", "--baselines", "none"}, true, true},
		{[]string{"--max-calls", "3"}, true, false},
		{[]string{"--train", "0.9999"}, true, false},
		{[]string{"--protocol", "paper", "--max_duration", "20"}, false, false},
	} {
		args := append([]string{"--dataset", ds.Path, "--bootstrap", "0"}, test.args...)
		trusting, err := prepare(flagsOfRun(t, args))
		if err != nil {
			t.Fatal(err)
		}
		if got := trusting.census.expected; got != test.trusted {
			t.Errorf("%v: what is stated is trusted: %v", test.args, got)
		}
		counting, err := openEvaluation(flagsOfRun(t, args))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []*evaluation{trusting, counting} {
			if err := e.evaluate(); err != nil {
				t.Fatal(err)
			}
		}
		if got := trusting.census.expected; got != test.stays {
			t.Errorf("%v: in the end what was stated is trusted: %v", test.args, got)
		}
		got, want := new(strings.Builder), new(strings.Builder)
		if err := errors.Join(reports.WriteJSON(got, trusting.result), reports.WriteJSON(want, counting.result)); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%v: trusting\n%.300s\ncounting\n%.300s", test.args, got, want)
		}
	}
}

// folderOfSpans is a dataset of 6000 spans in files of 1000.
func folderOfSpans(t *testing.T) *catalog.Dataset {
	t.Helper()
	file := filepath.Join(t.TempDir(), "spans")
	if err := run(context.Background(), []string{"scale-eval", "datasets", "convert", "--dataset", "synth", "--spans", "6000",
		"--partition-by", "hour", "--partition-rows", "1000", "--out", file},
		strings.NewReader(""), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	ref, err := catalog.Find(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := catalog.Prepare(t.Context(), ref, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func callsOf(t *testing.T, c *cli.Context) *trace.Calls {
	t.Helper()
	calls, err := newCalls(c)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func names(calls *trace.Calls) (out []string) {
	for id := range calls.Len() {
		out = append(out, calls.Name(trace.Call(id)))
	}
	return out
}

// flagsOfRun is what the action of run sees of args.
func flagsOfRun(t *testing.T, args []string) *cli.Context {
	t.Helper()
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	for _, f := range runFlags() {
		if err := f.Apply(set); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	c := cli.NewContext(&cli.App{ErrWriter: io.Discard}, set, nil)
	c.Context = context.Background()
	return c
}
