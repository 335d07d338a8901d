package scenario

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed files/*.yaml
var embedded embed.FS

// Names are the scenarios in the binary, in the order of their numbers.
func Names() (names []string) {
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	for _, e := range entries {
		_, name, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".yaml"), "-")
		names = append(names, name)
	}
	return names
}

// Suite are the fifteen scenarios of the suite: Names without the second forms that
// three of them have (the number of whose file ends in b).
func Suite() []string {
	names := Names()
	return slices.DeleteFunc(names, Variant)
}

// Variant says whether a name of Names is the second form of a scenario of the suite.
func Variant(name string) bool {
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		number, n, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".yaml"), "-")
		return n == name && strings.HasSuffix(number, "b")
	})
}

// Text is the file of a scenario in the binary.
func Text(name string) ([]byte, error) {
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, n, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".yaml"), "-"); n == name {
			return fs.ReadFile(embedded, "files/"+e.Name())
		}
	}
	return nil, fmt.Errorf("no scenario %q; want one of %s, or a file", name, strings.Join(Names(), ", "))
}

// Load parses a scenario in the binary.
func Load(name string, o Options) (*Scenario, error) {
	text, err := Text(name)
	if err != nil {
		return nil, err
	}
	return Parse(name+".yaml", text, o)
}
