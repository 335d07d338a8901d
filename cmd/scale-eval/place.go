package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/objects"
	_ "github.com/scale-eval/scale-eval/objects/clouds" // s3://, gs:// and azblob:// URLs
)

// writeAt is writeFile for a path or the URL of a file.
func writeAt(ctx context.Context, at string, write func(io.Writer) error) error {
	if !objects.Remote(at) {
		path, err := objects.Path(at)
		if err != nil {
			return usageError{err}
		}
		return writeFile(path, write)
	}
	dir, name := objects.Split(at)
	if name == "" {
		return usagef("%s: name a file in the bucket", at)
	}
	files, err := objects.Open(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(objects.Write(files, name, write), files.Close())
}

// outFolder is where a command's results go. Those of a bucket are made in a temporary
// folder first, which --out names meanwhile.
type outFolder struct {
	at  string // as the user gave it
	dir string // of this machine
}

// openOut settles --out. close must be called.
func openOut(c *cli.Context) (*outFolder, error) {
	o := &outFolder{at: c.String("out"), dir: c.String("out")}
	if o.at == "" {
		return o, nil
	}
	var err error
	if !objects.Remote(o.at) {
		o.dir, err = objects.Path(o.at)
	} else if err = o.reachable(c.Context); err == nil {
		o.dir, err = os.MkdirTemp("", "scale-eval-out-")
	}
	if err != nil {
		return nil, err
	}
	return o, c.Set("out", o.dir)
}

// reachable says early, before the work, that results will find no place.
func (o *outFolder) reachable(ctx context.Context) error {
	f, err := objects.Open(ctx, o.at)
	if err != nil {
		return err
	}
	return f.Close()
}

func (o *outFolder) close() {
	if o.dir != o.at && objects.Remote(o.at) {
		os.RemoveAll(o.dir)
	}
}

// publish puts the results where they belong, run.json last, as on this machine.
func (o *outFolder) publish(ctx context.Context) error {
	if !objects.Remote(o.at) {
		return nil
	}
	to, err := objects.Open(ctx, o.at)
	if err != nil {
		return err
	}
	old, err := supersedeRemote(to)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if e.Name() != recordFile {
			names = append(names, e.Name())
		}
	}
	for _, stale := range old {
		if !slices.Contains(names, stale) {
			if err := to.Remove(stale); err != nil {
				return err
			}
		}
	}
	for _, name := range append(names, recordFile) {
		if err := o.upload(to, name); err != nil {
			return err
		}
	}
	return to.Close()
}

func (o *outFolder) upload(to objects.Folder, name string) error {
	f, err := os.Open(filepath.Join(o.dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	return objects.Write(to, name, func(w io.Writer) error { _, err := io.Copy(w, f); return err })
}

// supersedeRemote is supersede for a bucket: it takes the run.json of an earlier run away
// and says which files that had.
func supersedeRemote(to objects.Folder) (files []string, err error) {
	b, err := objects.ReadAll(to, recordFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var old runRecord
	if json.Unmarshal(b, &old) == nil {
		for name := range old.Outputs {
			if filepath.IsLocal(name) && filepath.Base(name) == name {
				files = append(files, name)
			}
		}
	}
	return files, to.Remove(recordFile)
}
