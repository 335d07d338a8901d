package catalog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/scale-eval/scale-eval/objects"
)

// Ref is a dataset that was found: what to open and how.
type Ref struct {
	Name    string // as the user typed it
	Entry   *Entry // nil for a plain path
	Variant string
	Format  Format
	Path    string // file or folder; "" for synth
	// ServiceAttr is the entry's, until the user says otherwise.
	ServiceAttr string
}

// CacheFolder is where datasets get puts files and Find looks last: the user's
// cache folder for this tool, "" when the system has none.
func CacheFolder() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "scale-eval", "datasets")
}

// Folders is where Find looks, in order: the given ones, SCALE_EVAL_DATA (a list,
// like PATH), the cache folder.
func Folders(given []string) []string {
	folders := append([]string(nil), given...)
	folders = append(folders, filepath.SplitList(os.Getenv("SCALE_EVAL_DATA"))...)
	if c := CacheFolder(); c != "" {
		folders = append(folders, c)
	}
	return folders
}

// Find resolves name: a row of Table first, then a path ("./gtrace" is always a
// path), whose format is found by its content. The URL of a bucket is a path too, of Parquet;
// ctx is for what is asked of it.
func Find(ctx context.Context, name string, folders []string) (*Ref, error) {
	entry, variant, known := Lookup(name)
	if known && entry.Format == Synth {
		return &Ref{Name: name, Entry: &entry, Variant: variant, Format: Synth}, nil
	}
	if known {
		return findEntry(ctx, name, entry, variant, folders)
	}
	if objects.Remote(name) {
		return &Ref{Name: name, Format: Parquet, Path: name}, nil
	}
	at, err := objects.Path(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(at); err != nil {
		return nil, &NotFoundError{Name: name}
	}
	format, err := Sniff(at)
	if err != nil {
		return nil, err
	}
	return &Ref{Name: name, Format: format, Path: at}, nil
}

func findEntry(ctx context.Context, name string, entry Entry, variant string, folders []string) (*Ref, error) {
	globs := entry.patterns(variant)
	for _, folder := range folders {
		for _, glob := range globs {
			p, err := firstMatch(ctx, folder, glob)
			if err != nil {
				return nil, fmt.Errorf("dataset %q: %w", name, err)
			}
			if p == "" {
				continue
			}
			ref := &Ref{Name: name, Entry: &entry, Variant: variant, Format: entry.Format, Path: p, ServiceAttr: entry.ServiceAttr}
			// The same name may be on disk as Parquet: a conversion or a capture.
			if objects.Remote(p) {
				ref.Format = Parquet
			} else if f, err := Sniff(p); err == nil {
				ref.Format = f
			}
			return ref, nil
		}
	}
	return nil, &NotFoundError{Name: name, Entry: &entry, Files: globs, Folders: folders}
}

// firstMatch is the first path that matches glob below folder, by name; "" if none.
func firstMatch(ctx context.Context, folder, glob string) (string, error) {
	if objects.Remote(folder) {
		return remoteMatch(ctx, folder, glob)
	}
	matches, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(glob)))
	if err != nil {
		return "", fmt.Errorf("pattern %q: %w", glob, err)
	}
	sort.Strings(matches)
	for _, m := range matches {
		if !strings.HasSuffix(m, ".part") { // a download that has not finished
			return m, nil
		}
	}
	return "", nil
}

// InstalledPath says where a row of Table is on disk, "" when it is not.
func InstalledPath(ctx context.Context, e Entry, folders []string) string {
	if e.Format == Synth {
		return "built in"
	}
	for _, folder := range folders {
		globs := e.patterns(e.Default)
		if e.Variants != "" {
			for _, f := range e.Files {
				globs = append(globs, strings.NewReplacer("{variant}", "*", "{date}", "*").Replace(f))
			}
		}
		for _, g := range globs {
			if p, err := firstMatch(ctx, folder, g); err == nil && p != "" {
				return p
			}
		}
	}
	return ""
}
