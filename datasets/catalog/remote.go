package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/scale-eval/scale-eval/objects"
)

// IncompleteMarker is a file that stands in a folder of a bucket as long as the dataset
// there is being written: a bucket's folder cannot be renamed when it is whole.
const IncompleteMarker = "_incomplete"

// File is a file of a Parquet dataset.
type File struct {
	Path     string // or URL
	Size     int64  // bytes
	Modified int64  // ns since 1970
}

// Files lists the files of a Parquet dataset as they were when it was prepared.
func (d *Dataset) Files() (files []File) {
	for _, p := range d.parts {
		files = append(files, File{p.path, p.info.Size, p.info.Modified.UnixNano()})
	}
	return files
}

// remoteParts lists the files of a dataset in a bucket. Only Parquet is read from there:
// other formats have to be read through for each pass.
func (d *Dataset) remoteParts() (parts []part, err error) {
	files, infos, err := d.listRemote()
	if err != nil {
		return nil, err
	}
	parquet := false
	for _, info := range infos {
		if path.Base(info.Name) == IncompleteMarker {
			return nil, fmt.Errorf("%s: the dataset is not whole: its writing was cut short, or goes on; write it again and wait for its end", d.Path)
		}
		if !isData(info.Name) {
			continue
		}
		parquet = parquet || strings.HasSuffix(info.Name, ".parquet")
		parts = append(parts, part{path: files.URL(info.Name), info: info,
			open: func() (objects.File, error) { return files.Open(info.Name) }})
	}
	if !parquet {
		return nil, fmt.Errorf("%s: no *.parquet in it (%d files): only Parquet is read from object storage; copy other formats to this machine, then scale-eval datasets convert --out %s", d.Path, len(parts), d.Path)
	}
	return parts, nil
}

// listRemote is the files below d.Path, or the one that it names.
func (d *Dataset) listRemote() (objects.Folder, []objects.Info, error) {
	files, err := objects.Open(d.ctx, d.Path)
	if err != nil {
		return nil, nil, err
	}
	infos, err := files.List()
	if err != nil {
		return nil, nil, err
	}
	if len(infos) > 0 {
		slices.SortFunc(infos, func(a, b objects.Info) int { return lessNatural(a.Name, b.Name) })
		return files, infos, nil
	}
	if err := files.Close(); err != nil {
		return nil, nil, err
	}
	dir, name := objects.Split(d.Path)
	if name == "" {
		return nil, nil, fmt.Errorf("%s: the bucket is empty", d.Path)
	}
	if files, err = objects.Open(d.ctx, dir); err != nil {
		return nil, nil, err
	}
	info, err := files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: %w, nor a folder of that name with files in it", d.Path, err)
	}
	return files, []objects.Info{info}, err
}

// remoteMatch is the first file or folder of a bucket's folder that matches glob, by name;
// "" if there is none.
func remoteMatch(ctx context.Context, folder, glob string) (string, error) {
	files, err := objects.Open(ctx, folder)
	if err != nil {
		return "", err
	}
	infos, err := files.List()
	if err := errors.Join(err, files.Close()); err != nil {
		return "", err
	}
	var matches []string
	for _, info := range infos {
		for name := info.Name; name != "."; name = path.Dir(name) {
			ok, err := path.Match(glob, name)
			if err != nil {
				return "", fmt.Errorf("pattern %q: %w", glob, err)
			}
			if ok {
				matches = append(matches, name)
			}
		}
	}
	if len(matches) == 0 {
		return "", nil
	}
	return objects.Join(folder, slices.Min(matches)), nil
}
