package story

import (
	"context"
	"fmt"
	"strings"
)

// Failure is a block that printed something else.
type Failure struct {
	File string
	Line int
	Cmd  string
	Want string
	Got  string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s:%d: %s printed\n%swant\n%s", f.File, f.Line, f.Cmd, indent(f.Got), indent(f.Want))
}

func indent(s string) string {
	if s == "" {
		return "    (nothing)\n"
	}
	return "    " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n    ") + "\n"
}

// Result is what became of a story.
type Result struct {
	Blocks    int // commands that ran
	Failures  []*Failure
	Rewritten string // the story with what was printed
}

// Run runs a story. rules, if not nil, is a rule file that the pipeline starts
// with, so that the story needs no rules command. The error is a story that cannot
// be read or a command that makes no sense; failures are in the Result.
func Run(ctx context.Context, file, text string, rules []byte) (Result, error) {
	return newStage().run(ctx, file, text, rules)
}

func (st *stage) run(ctx context.Context, file, text string, rules []byte) (Result, error) {
	blocks, err := Read(file, text)
	if err != nil {
		return Result{}, err
	}
	if rules != nil {
		if err := st.useRules("rules", rules); err != nil {
			return Result{}, err
		}
	}
	var res Result
	var out strings.Builder
	for i := range blocks {
		b := &blocks[i]
		printed := ""
		if b.Cmd != "" {
			if printed, err = st.do(ctx, b); err != nil {
				return res, fmt.Errorf("%s:%d: %s: %w", file, b.Line, b.name(), err)
			}
			res.Blocks++
			if printed != b.Expect {
				res.Failures = append(res.Failures, &Failure{file, b.Line, b.Cmd, b.Expect, printed})
			}
		}
		b.write(&out, printed)
	}
	res.Rewritten = out.String()
	return res, nil
}
