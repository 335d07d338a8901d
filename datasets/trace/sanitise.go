package trace

import (
	"fmt"
	"regexp"
	"strings"
)

// Sanitiser rewrites operation names so that names which differ only in an id or
// a query string become one call. Rules apply in order, each to the result of the
// one before.
type Sanitiser struct{ rules []rule }

type rule struct {
	re   *regexp.Regexp
	with string
}

// DefaultSanitiseRules are, in order: drop a query string or fragment of a path;
// UUIDs, long hex strings and all-digit segments of a path become "{id}". Words
// such as "v1" or "oteldemo.CartService" are left alone.
var DefaultSanitiseRules = []string{
	`^([^?#]*/[^?#]*)[?#].*$=>$1`,
	`/[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b=>/{id}`,
	`/[0-9]+\b=>/{id}`,
	`/[0-9a-fA-F]{16,}\b=>/{id}`,
}

// NewSanitiser compiles rules of the form "regexp=>replacement" (RE2 syntax, $1
// in the replacement). An empty list leaves names as they are.
func NewSanitiser(rules []string) (*Sanitiser, error) {
	s := &Sanitiser{}
	for i, r := range rules {
		pattern, with, ok := strings.Cut(r, "=>")
		if !ok {
			return nil, fmt.Errorf("sanitise rule %d %q: want regexp=>replacement", i+1, r)
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("sanitise rule %d %q: %w", i+1, r, err)
		}
		s.rules = append(s.rules, rule{re, with})
	}
	return s, nil
}

// Clean is the sanitised name. Cost: one regular expression a rule; [Calls]
// caches it.
func (s *Sanitiser) Clean(operation string) string {
	for _, r := range s.rules {
		operation = r.re.ReplaceAllString(operation, r.with)
	}
	return operation
}
