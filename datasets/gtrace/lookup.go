package gtrace

import (
	"strings"

	"github.com/scale-eval/scale-eval/datasets/input"
)

// lookup turns the texts of a file into names, each distinct text once.
type lookup struct {
	maps       *names
	services   map[string]string
	operations map[string]string
	current    string // service of the row whose operation comes next
	unknown    int
}

// use starts a file, whose maps may be nil.
func (l *lookup) use(maps *names) {
	if maps == nil {
		maps = &names{}
	}
	l.maps = maps
	l.services, l.operations = map[string]string{}, map[string]string{}
}

func (l *lookup) service(b []byte) string {
	name, ok := l.services[string(b)]
	if !ok {
		name, _ = l.find(l.maps.service, string(b))
		l.services[string(b)] = name
	}
	l.current = name
	return name
}

// operation comes behind service of the same row: the key of an operation is
// "service/operation", and the service is cut off.
func (l *lookup) operation(b []byte) string {
	name, ok := l.operations[string(b)]
	if !ok {
		if name, ok = l.find(l.maps.operation, string(b)); ok {
			name = l.cutService(name)
		}
		l.operations[string(b)] = name
	}
	return name
}

func (l *lookup) cutService(key string) string {
	if rest, ok := strings.CutPrefix(key, l.current+"/"); ok {
		return rest
	}
	if _, rest, ok := strings.Cut(key, "/"); ok {
		return rest
	}
	return key
}

// find is the name of a number, and whether there is one; any other text is a name
// already.
func (l *lookup) find(byID map[string]string, text string) (string, bool) {
	if byID == nil {
		return text, false
	}
	if name, ok := byID[text]; ok {
		return name, true
	}
	if _, err := input.Int([]byte(text)); err == nil {
		l.unknown++
	}
	return text, false
}
