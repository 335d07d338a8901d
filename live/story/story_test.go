package story

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the stories printed into them; read the difference before you commit it")

// TestStories runs every story twice, and once more with a restart from a snapshot
// before every tick: each run must print the same bytes.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.story")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".story"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Run(context.Background(), file, string(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Run(context.Background(), file, string(text), nil)
			if err != nil || again.Rewritten != res.Rewritten {
				t.Fatalf("the second run differs: %v\n%s", err, again.Rewritten)
			}
			restarting := newStage()
			restarting.restarts = true
			third, err := restarting.run(context.Background(), file, string(text), nil)
			if err != nil || third.Rewritten != res.Rewritten {
				t.Fatalf("the run with restarts differs: %v\n%s", err, third.Rewritten)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(res.Rewritten), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, f := range res.Failures {
				t.Error(f)
			}
		})
	}
}

func TestBadStories(t *testing.T) {
	for text, want := range map[string]string{
		"tick 1s\n":                  "f:1: tick: want a line \"----\"",
		"# prose\n\ntick 1s\n----\n": "f:3: tick: give the rules first",
		"rules\nversion: 1\n----\nok\n\ndance\n----\n":                               "f:6: dance: unknown command",
		"rules\nversion: 1\n----\nok\n\ntrace from=0s\na 1s\n----\n":                 "want service::operation",
		"rules\nversion: 1\n----\nok\n\ntrace from=0s\na::b 1s\n    c::d 1s\n----\n": "span 2: indented too far",
		"rules\nversion: 1\n----\nok\n\ntick 1s until=9h every=1ns\n----\n":          "at most 100 000 ticks",
		"owned x\n----\n": `"x": want kind/name`,
	} {
		_, err := Run(context.Background(), "f", text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAFailureSaysWhatWasWanted(t *testing.T) {
	res, err := Run(context.Background(), "f", "rules\nversion: 2\n----\nok\n", nil)
	if err != nil || len(res.Failures) != 1 {
		t.Fatalf("%+v %v", res, err)
	}
	want := "f:1: rules printed\n    rules:1:10: version: want 1, found 2\nwant\n    ok\n"
	if got := res.Failures[0].Error(); got != want {
		t.Errorf("%q", got)
	}
}

func FuzzRun(f *testing.F) {
	for _, name := range []string{"blame", "guards", "late"} {
		b, err := os.ReadFile("testdata/" + name + ".story")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(" ")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.Count(text, "n=") > 2 || strings.Contains(text, "until") {
			return // a story may legally ask for more work than a fuzz run should do
		}
		_, _ = Run(context.Background(), "f", text, nil)
	})
}
