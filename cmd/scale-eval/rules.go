package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/live/rulefile"
	"github.com/scale-eval/scale-eval/live/story"
)

func rulesCommand() *cli.Command {
	return &cli.Command{
		Name:  "rules",
		Usage: "check, explain and test rule files",
		Description: `To begin:

  scale-eval rules example > rules.yaml
  scale-eval rules schema > rules.schema.json    (editors complete and check by it)
  scale-eval rules lint --strict rules.yaml
  scale-eval rules explain rules.yaml`,
		OnUsageError: onUsageError,
		Action:       unknownCommand,
		Subcommands:  []*cli.Command{rulesLintCommand(), rulesExplainCommand(), rulesTestCommand(), rulesExampleCommand(), rulesSchemaCommand()},
	}
}

func rulesLintCommand() *cli.Command {
	return &cli.Command{
		Name:      "lint",
		Usage:     "report what is wrong with rule files, and what is probably not meant",
		ArgsUsage: "FILE...",
		Description: `Errors and warnings name file, line, column and field. Exit code 1 when there is an
error, or, with --strict, a warning. "-" is standard input.`,
		Flags:        []cli.Flag{outputFlag(), &cli.BoolFlag{Name: "strict", Usage: "warnings fail, too"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			asJSON, err := wantJSON(c)
			if err != nil {
				return err
			}
			if !c.Args().Present() {
				return usagef("want at least one rule file")
			}
			return lintRules(c, asJSON)
		},
	}
}

// ruleFinding is one error or warning of rules lint.
type ruleFinding struct {
	Severity string `json:"severity"` // error or warning
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Field    string `json:"field,omitempty"`
	Message  string `json:"message"`
}

func lintRules(c *cli.Context, asJSON bool) error {
	findings := []ruleFinding{}
	for _, path := range c.Args().Slice() {
		text, err := readRules(c, path)
		if err != nil {
			return err
		}
		warnings, err := rulefile.Lint(path, text)
		findings = append(findings, errorFindings(err)...)
		for _, w := range warnings {
			findings = append(findings, ruleFinding{"warning", w.File, w.Line, w.Column, w.Field, w.Msg})
		}
	}
	if err := printFindings(c, findings, asJSON); err != nil {
		return err
	}
	return lintVerdict(findings, c.Bool("strict"))
}

func printFindings(c *cli.Context, findings []ruleFinding, asJSON bool) error {
	if asJSON {
		return printJSON(c.App.Writer, findings)
	}
	for _, f := range findings {
		e := rulefile.Error{File: f.File, Line: f.Line, Column: f.Column, Field: f.Field, Msg: f.Severity + ": " + f.Message}
		if _, err := fmt.Fprintln(c.App.Writer, e.Error()); err != nil {
			return err
		}
	}
	if len(findings) == 0 {
		fmt.Fprintln(c.App.Writer, "ok")
	}
	return nil
}

func lintVerdict(findings []ruleFinding, strict bool) error {
	count := map[string]int{}
	for _, f := range findings {
		count[f.Severity]++
	}
	if count["error"] > 0 || strict && count["warning"] > 0 {
		return fmt.Errorf("%s, %s", several(count["error"], "error"), several(count["warning"], "warning"))
	}
	return nil
}

// errorFindings takes a joined error of rulefile apart.
func errorFindings(err error) (out []ruleFinding) {
	if err == nil {
		return nil
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, e := range list {
		var r *rulefile.Error
		if errors.As(e, &r) {
			out = append(out, ruleFinding{"error", r.File, r.Line, r.Column, r.Field, r.Msg})
		}
	}
	return out
}

// readRules reads a rule file, or standard input for "-", no further than a rule
// file may be long.
func readRules(c *cli.Context, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(c.App.Reader, rulefile.MaxBytes+1))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, rulefile.MaxBytes+1))
}

func rulesExplainCommand() *cli.Command {
	return &cli.Command{
		Name:         "explain",
		Usage:        "say in words what a rule file does",
		ArgsUsage:    "FILE",
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("want one rule file")
			}
			text, err := readRules(c, c.Args().First())
			if err != nil {
				return err
			}
			set, err := rulefile.Parse(c.Args().First(), text)
			if err != nil {
				return err
			}
			return rulefile.Explain(c.App.Writer, set)
		},
	}
}

func rulesSchemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of rule files, for editors",
		Description: `Write it beside the rules, and name it in their first line:

  # yaml-language-server: $schema=./rules.schema.json

Editors with the YAML language server (VS Code, Neovim, JetBrains, Emacs) then
complete field names, show what is wrong, and know values.`,
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return printFile(c, rulefile.Schema) },
	}
}

func rulesExampleCommand() *cli.Command {
	return &cli.Command{
		Name:         "example",
		Usage:        "print a rule file to start from, with comments",
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return printFile(c, rulefile.Example) },
	}
}

// printFile prints what is built in.
func printFile(c *cli.Context, text []byte) error {
	if err := noArgs(c); err != nil {
		return err
	}
	_, err := c.App.Writer.Write(text)
	return err
}

func rulesTestCommand() *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "run stories against a rule file: spans in, decisions out",
		ArgsUsage: "STORY...",
		Description: `A story is a text file of commands and what they must print:

  replicas deployment/shop/cart 3
  ----

  tick 0s
  ----

  trace from=1s n=3 every=1s
  web::GET 900ms server
    cart::/add 850ms@10ms server
  ----

  tick 15s
  ----
  15s acted: deployment/shop/cart up 3 -> 5: …

--rewrite writes into the story what was printed: read it, then keep it.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "rules", Usage: "rule `FILE` that the stories start with (default: their own rules command)"},
			&cli.BoolFlag{Name: "rewrite", Usage: "write what was printed into the stories"},
		},
		OnUsageError: onUsageError,
		Action:       testRules,
	}
}

func testRules(c *cli.Context) error {
	if !c.Args().Present() {
		return usagef("want at least one story")
	}
	var rules []byte
	if path := c.String("rules"); path != "" {
		var err error
		if rules, err = readRules(c, path); err != nil {
			return err
		}
	}
	failed := 0
	for _, path := range c.Args().Slice() {
		n, err := testStory(c, path, rules)
		if err != nil {
			return err
		}
		failed += n
	}
	if failed > 0 {
		return fmt.Errorf("%d commands printed something else", failed)
	}
	return nil
}

// testStory runs one story and returns how many of its commands failed.
func testStory(c *cli.Context, path string, rules []byte) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	res, err := story.Run(c.Context, path, string(text), rules)
	if err != nil {
		return 0, err
	}
	if c.Bool("rewrite") {
		err := writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, res.Rewritten); return err })
		fmt.Fprintf(c.App.Writer, "%s: %d commands, %d rewritten\n", path, res.Blocks, len(res.Failures))
		return 0, err
	}
	for _, f := range res.Failures {
		fmt.Fprintln(c.App.Writer, strings.TrimSuffix(f.Error(), "\n"))
	}
	fmt.Fprintf(c.App.Writer, "%s: %d commands, %d failed\n", filepath.ToSlash(path), res.Blocks, len(res.Failures))
	return len(res.Failures), nil
}

// several is a number of things.
func several(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
