package main

import (
	"context"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"
)

// carried are small files that options and arguments name, such as scenarios. A plan
// keeps what they hold, because pods do not see files of the machine that planned, and
// nobody shall change them meanwhile.
type carried struct {
	files map[string][]byte // by the name that was given
	adds  bool              // what is read is kept; otherwise nothing else is there
}

type carriedKey struct{}

// carry makes c read named files through files.
func carry(c *cli.Context, files *carried) {
	c.Context = context.WithValue(c.Context, carriedKey{}, files)
}

// readNamed reads a small file that an option or argument names.
func readNamed(ctx context.Context, path string) ([]byte, error) {
	k, _ := ctx.Value(carriedKey{}).(*carried)
	if k == nil {
		return os.ReadFile(path)
	}
	if text, ok := k.files[path]; ok {
		return text, nil
	}
	if !k.adds {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	text, err := os.ReadFile(path)
	if err == nil {
		k.files[path] = text
	}
	return text, err
}
