package main

import (
	"context"
	"flag"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Two halves count what one pass counts, and number calls alike, also where rules change
// a name that they have changed already; with too many calls they leave it to the pass.
func TestCensusInHalves(t *testing.T) {
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
	if at := ds.Middle(); at < 2000 || at > 4000 {
		t.Fatalf("the middle of 6000 spans is %d", at)
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
		take := &taker{c: flagsOfRun(t, test.args), ds: ds, bar: &progress{}}
		var calls [2]*trace.Calls
		for i := range calls {
			if calls[i], err = newCalls(take.c); err != nil {
				t.Fatal(err)
			}
		}
		got, ok := take.halves(calls[0])
		want, _, err := take.whole(calls[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		if ok != test.ok {
			t.Errorf("%v: halves are ok: %v", test.args, ok)
		}
		if !ok {
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: halves count %+v, the whole %+v", test.args, got, want)
		}
		if got, want := names(calls[0]), names(calls[1]); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: halves number calls %v, the whole %v", test.args, got, want)
		}
	}
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
