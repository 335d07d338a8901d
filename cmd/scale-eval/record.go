package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
	"github.com/scale-eval/scale-eval/eval"
	"github.com/scale-eval/scale-eval/objects"
)

// recordFile is the record of a run in its --out, written last.
const recordFile = "run.json"

// recordVersion is the version of run.json.
const recordVersion = 1

// runRecord is run.json: what is needed to repeat a run and to tell that it was
// the same.
type runRecord struct {
	Version int                 `json:"version"`
	Tool    string              `json:"tool"` // version of scale-eval
	Go      string              `json:"go"`
	Options map[string][]string `json:"options"` // every flag of run that decides a result
	Dataset recordedDataset     `json:"dataset"`
	Timing  *eval.Timing        `json:"timing"`  // of this machine: the only part that a replay does not repeat
	Outputs map[string]string   `json:"outputs"` // file -> SHA-256
}

type recordedDataset struct {
	Name   string         `json:"name"`
	Format catalog.Format `json:"format"`
	Spans  int64          `json:"spans"`
	Files  []recordedFile `json:"files"` // empty: generated
}

type recordedFile struct {
	Name   string `json:"name"` // below the dataset's path
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
	// Modified stands for the checksum of a file in a bucket: reading it once more for
	// one would double what a run fetches.
	Modified string `json:"modified,omitempty"`
}

// notRecorded are flags that do not decide a result.
var notRecorded = []string{"out", "output", "o", "replay", "config", "data", "help", "h", "d",
	"shards", "local", "cpu", "storage", "overlap"}

func newRecord(e *evaluation) (*runRecord, error) {
	files, err := e.sums()
	if err != nil {
		return nil, fmt.Errorf("checksum of dataset %s: %w", e.ds.Name, err)
	}
	return &runRecord{
		Version: recordVersion, Tool: version, Go: runtime.Version(),
		Options: recordOptions(e.c),
		Dataset: recordedDataset{e.ds.Name, e.ds.Format, e.census.read, files},
		Timing:  e.timing, Outputs: map[string]string{},
	}, nil
}

func recordOptions(c *cli.Context) map[string][]string {
	options := map[string][]string{}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if slices.Contains(notRecorded, name) {
			continue
		}
		if _, isSlice := f.(*cli.StringSliceFlag); isSlice {
			if v := c.StringSlice(name); len(v) > 0 {
				options[name] = v
			}
			continue
		}
		options[name] = []string{fmt.Sprint(c.Value(name))}
	}
	return options
}

// resultOptions are the options as a report shows them.
func resultOptions(c *cli.Context, s *split) map[string]string {
	options := map[string]string{}
	for name, v := range recordOptions(c) {
		if len(v) == 1 && v[0] == "" || name == "seed" {
			continue
		}
		options[name] = strings.Join(v, " ")
	}
	options["learn"] = s.mode.String()
	options["protocol"] = s.protocol
	return options
}

// checksums lists the files of a dataset in order; a generated one has none.
func checksums(ds *catalog.Dataset) (files []recordedFile, err error) {
	path := ds.Path
	switch {
	case path == "":
		return nil, nil
	case objects.Remote(path):
		return remoteFiles(ds), nil
	}
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			info, err := os.Stat(p) // a link to a file is one
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
		}
		sum, size, err := sha256File(p)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(path, p)
		if name == "." {
			name = filepath.Base(p)
		}
		files = append(files, recordedFile{Name: filepath.ToSlash(name), Size: size, SHA256: sum})
		return err
	})
	return files, err
}

func remoteFiles(ds *catalog.Dataset) (out []recordedFile) {
	for _, f := range ds.Files() {
		out = append(out, recordedFile{Name: f.Path, Size: f.Size, Modified: time.Unix(0, f.Modified).UTC().Format(time.RFC3339Nano)})
	}
	return out
}

func sha256File(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// digest records the sums of the files that were written to dir.
func (r *runRecord) digest(dir string, written []string) error {
	for _, name := range written {
		sum, _, err := sha256File(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		r.Outputs[name] = sum
	}
	return nil
}

// supersede takes the run.json of an earlier run out of dir before its files are
// overwritten, because it would vouch for a mixture. What it returns removes those
// of that run's files that the new one did not write; strangers' files stay.
func supersede(dir string) (removeStale func(written []string) error, err error) {
	path := filepath.Join(dir, recordFile)
	old, err := readRecord(path)
	if err != nil { // none, or not ours
		return func([]string) error { return nil }, nil
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return func(written []string) error {
		for name := range old.Outputs {
			if slices.Contains(written, name) || !filepath.IsLocal(name) || filepath.Base(name) != name {
				continue
			}
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	}, nil
}

func (r *runRecord) write(w io.Writer) error { return printJSON(w, r) }

// sameInput refuses a replay on other data.
func (r *runRecord) sameInput(original *runRecord) error {
	if slices.Equal(r.Dataset.Files, original.Dataset.Files) && r.Dataset.Spans == original.Dataset.Spans {
		return nil
	}
	for _, want := range original.Dataset.Files {
		if !slices.Contains(r.Dataset.Files, want) {
			return fmt.Errorf("replay: dataset %s is not the one of the original run: %s of %d bytes with SHA-256 %s is not in it",
				r.Dataset.Name, want.Name, want.Size, want.SHA256)
		}
	}
	return fmt.Errorf("replay: dataset %s is not the one of the original run: %d files with %d spans, want %d with %d",
		r.Dataset.Name, len(r.Dataset.Files), r.Dataset.Spans, len(original.Dataset.Files), original.Dataset.Spans)
}

// sameOutput says whether a replay gave the bytes of the original.
func (r *runRecord) sameOutput(original *runRecord) error {
	var differ []string
	for name, sum := range original.Outputs {
		if r.Outputs[name] != sum {
			differ = append(differ, name)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	return fmt.Errorf("replay: %s differ from the original run (made by version %s with %s; this is version %s with %s)",
		strings.Join(differ, ", "), original.Tool, original.Go, r.Tool, r.Go)
}

// replayRun runs the options of a run.json again.
func replayRun(c *cli.Context) error {
	for _, name := range c.LocalFlagNames() {
		if name == "config" || !slices.Contains(notRecorded, name) {
			return usagef("--%s contradicts --replay, which takes every option from the file; drop one of them", name)
		}
	}
	original, err := readRecord(c.String("replay"))
	if err != nil {
		return err
	}
	for name := range original.Options {
		if findFlag(c.Command.Flags, name) == nil {
			return fmt.Errorf("%s: option %q is not one of run (the file is of version %s, this is %s)", c.String("replay"), name, original.Tool, version)
		}
	}
	if err := original.set(c, c.String("replay")); err != nil {
		return err
	}
	run := runEvaluation
	if c.String("stream") == streamAlways {
		run = runStreamed
	}
	err = run(c, original)
	var missing *catalog.NotFoundError
	if errors.As(err, &missing) && missing.Entry == nil {
		return fmt.Errorf("%w (a relative path is that of the original run: replay from the folder where it ran)", err)
	}
	return err
}

// set gives c the options of r that it has flags for; path is where r was read.
func (r *runRecord) set(c *cli.Context, path string) error {
	for name, values := range r.Options {
		for _, v := range values {
			if findFlag(c.Command.Flags, name) == nil {
				continue
			}
			if err := c.Set(name, v); err != nil {
				return fmt.Errorf("%s: option %q = %q: %w (the file is of version %s, this is %s)", path, name, v, err, r.Tool, version)
			}
		}
	}
	return nil
}

func readRecord(path string) (*runRecord, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &runRecord{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: not a run.json: %w", path, err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("%s: run.json of version %d, this program reads version %d", path, r.Version, recordVersion)
	}
	return r, nil
}
