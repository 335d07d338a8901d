package gtrace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/datasets/input"
)

const (
	mapFolder    = "id_manager"
	serviceMap   = "service_id.yml"
	operationMap = "operation_id.yml"
	// maxMapBytes bounds an id map; the published ones are below 100 KiB.
	maxMapBytes = 64 << 20
)

// names are the id maps of one id_manager folder, from the number's text.
type names struct {
	service, operation map[string]string
}

// idMaps holds the maps of an input by the folder that holds id_manager.
type idMaps struct{ byFolder map[string]*names }

// of returns the maps beside or above the file, or nil.
func (m *idMaps) of(file string) *names {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if n := m.byFolder[dir]; n != nil {
			return n
		}
		if dir == "." || dir == "/" {
			return nil
		}
	}
}

// findMaps reads the id maps in the input at name and, where its top has none,
// beside and above it on disk. It also lists the input's streams.
func findMaps(name string) (m *idMaps, streams []string, err error) {
	files, err := input.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	m = &idMaps{byFolder: map[string]*names{}}
	for {
		f, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		streams = append(streams, f.Name)
		if dir := path.Dir(f.Name); path.Base(dir) == mapFolder {
			if err := m.read(path.Dir(dir), path.Base(f.Name), f.Path, f); err != nil {
				return nil, nil, err
			}
		}
	}
	return m, streams, m.readAbove(name)
}

// readAbove looks in the folder of name and the one above it.
func (m *idMaps) readAbove(name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	for range 2 {
		abs = filepath.Dir(abs)
		if m.byFolder["."] != nil {
			return nil
		}
		for _, base := range []string{serviceMap, operationMap} {
			if err := m.readFile(filepath.Join(abs, mapFolder, base)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *idMaps) readFile(name string) (err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return m.read(".", filepath.Base(name), name, f)
}

// read parses one map. Other files of id_manager are passed over.
func (m *idMaps) read(folder, base, from string, r io.Reader) error {
	if base != serviceMap && base != operationMap {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, maxMapBytes+1))
	if err != nil {
		return err
	}
	if len(b) > maxMapBytes {
		return fmt.Errorf("%s: more than %d bytes: not an id map", from, maxMapBytes)
	}
	var ids map[string]int64
	if err := yaml.Unmarshal(b, &ids); err != nil {
		return fmt.Errorf("%s: want a map from name to number: %w", from, err)
	}
	n := m.byFolder[folder]
	if n == nil {
		n = &names{}
		m.byFolder[folder] = n
	}
	byID, err := invert(from, ids)
	if base == serviceMap {
		n.service = byID
	} else {
		n.operation = byID
	}
	return err
}

func invert(from string, ids map[string]int64) (map[string]string, error) {
	byID := make(map[string]string, len(ids))
	for name, id := range ids {
		text := fmt.Sprint(id)
		if other, twice := byID[text]; twice {
			return nil, fmt.Errorf("%s: %q and %q have the same number %d", from, min(name, other), max(name, other), id)
		}
		byID[text] = name
	}
	return byID, nil
}
