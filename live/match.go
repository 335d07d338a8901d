package live

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern matches a name: exactly, as a glob or as a regular expression. The zero
// value matches every name.
type Pattern struct {
	text string
	re   *regexp.Regexp // nil: exact, or anything when text is ""
}

// ParsePattern reads "name" (exact), "glob:/cart/*" or "re:^/v[0-9]+/". In a glob *
// is any run of characters, ? is any one; the whole name must match. A regular
// expression (RE2) matches anywhere, like grep. "" and "*" match every name.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "" || s == "*":
		return Pattern{}, nil
	case strings.HasPrefix(s, "re:"):
		re, err := regexp.Compile(s[len("re:"):])
		if err != nil {
			return Pattern{}, fmt.Errorf("pattern %q: %w", clip(s, 80), err)
		}
		return Pattern{s, re}, nil
	case strings.HasPrefix(s, "glob:"):
		return Pattern{s, globRegexp(s[len("glob:"):])}, nil
	}
	return Pattern{text: s}, nil
}

func globRegexp(glob string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A(?s:`)
	for _, r := range glob {
		switch r {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString(`)\z`)
	return regexp.MustCompile(b.String())
}

// Match says whether name matches.
func (p Pattern) Match(name string) bool {
	if p.re != nil {
		return p.re.MatchString(name)
	}
	return p.text == "" || p.text == name
}

// String is what ParsePattern read; "*" for the zero value.
func (p Pattern) String() string {
	if p.text == "" {
		return "*"
	}
	return p.text
}

// Match says which spans a rule looks at. The zero value matches all.
type Match struct {
	Service    Pattern
	Operation  Pattern // of the sanitised name
	Kinds      []SpanKind
	Attributes []AttributeMatch // all must match
}

// AttributeMatch wants an attribute that is there and whose value matches.
type AttributeMatch struct {
	Key   string
	Value Pattern
}

// call says whether spans of a call can match. The answer is kept, so patterns are
// not run a span.
func (m *Match) call(service, operation string) bool {
	return m.Service.Match(service) && m.Operation.Match(operation)
}

// span says whether s, whose call matches, matches.
func (m *Match) span(s *Span) bool {
	if len(m.Kinds) == 0 && len(m.Attributes) == 0 {
		return true // the commonest case
	}
	return m.kind(s.SpanKind) && m.attributes(s, 0)
}

func (m *Match) kind(k SpanKind) bool {
	if len(m.Kinds) == 0 {
		return true
	}
	for _, want := range m.Kinds {
		if want == k {
			return true
		}
	}
	return false
}

// attributes says whether s has those from index from on.
func (m *Match) attributes(s *Span, from int) bool {
	for i := from; i < len(m.Attributes); i++ {
		v, ok := s.Attr(m.Attributes[i].Key)
		if !ok || !m.Attributes[i].Value.Match(v) {
			return false
		}
	}
	return true
}

// AttributeKeys are the keys of the attributes that the pipeline looks at with these
// rules: those that rules match on, and those that name the callee of a client span.
// Who decodes spans need give no others. Sorted, each once.
func (s *RuleSet) AttributeKeys() []string {
	keys := slices.Clone(peerKeys[:])
	for i := range s.Rules {
		for _, a := range s.Rules[i].Match.Attributes {
			keys = append(keys, a.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// String is the match as an operator would say it.
func (m *Match) String() string {
	s := fmt.Sprintf("%s::%s", m.Service, m.Operation)
	for _, k := range m.Kinds {
		s += " kind=" + k.String()
	}
	for _, a := range m.Attributes {
		s += fmt.Sprintf(" %s=%s", a.Key, a.Value)
	}
	return s
}
