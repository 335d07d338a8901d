package input

import (
	"os"
	"path"
	"path/filepath"
	"slices"
)

// entry is a regular file of a folder.
type entry struct {
	path, name string
	size       int64
}

// walk lists the regular files below root in sorted order. Links are followed,
// but each real folder is entered once, so that a loop of links ends.
func walk(root string) (out []entry, err error) {
	seen := map[string]bool{}
	var visit func(dir, name string) error
	visit = func(dir, name string) error {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || seen[real] {
			return err
		}
		seen[real] = true
		children, err := os.ReadDir(dir) // sorted by name
		if err != nil {
			return err
		}
		for _, c := range children {
			p, n := filepath.Join(dir, c.Name()), path.Join(name, c.Name())
			info, err := os.Stat(p)
			switch {
			case err != nil:
				return err
			case info.IsDir():
				if err := visit(p, n); err != nil {
					return err
				}
			case info.Mode().IsRegular():
				out = append(out, entry{p, n, info.Size()})
			}
		}
		return nil
	}
	return out, visit(root, "")
}

// ListFunc is the paths of the regular files below root of whose names, slash-separated
// from there on, keep says yes, in the order of compare over the names.
func ListFunc(root string, keep func(name string) bool, compare func(a, b string) int) (paths []string, err error) {
	entries, err := walk(root)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b entry) int { return compare(a.name, b.name) })
	for _, e := range entries {
		if keep(e.name) {
			paths = append(paths, e.path)
		}
	}
	return paths, nil
}
