package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	err := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(err))
}

// version is what --version prints and run.json records; a release build sets it
// with -ldflags "-X main.version=v1.2.3".
var version = "devel"

// Exit codes are part of the interface: scripts and CI gates rely on them.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitGate    = 3
)

// usageError is a mistake in the command line, answered with exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// gateError is a regression gate that did not hold, answered with exit code 3.
type gateError struct{ err error }

func (e gateError) Error() string { return e.err.Error() }
func (e gateError) Unwrap() error { return e.err }

// keptError is an interruption of which something is left to go on from.
type keptError struct {
	err  error
	what string
}

func (e keptError) Error() string { return e.err.Error() }
func (e keptError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var usage usageError
	var gate gateError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &gate):
		return exitGate
	default:
		return exitFailure
	}
}

// run is the whole command without the process around it: tests call it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	err := newApp(stdin, stdout, stderr).RunContext(ctx, args)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		left := "no result was written"
		if kept := (keptError{}); errors.As(err, &kept) {
			left = kept.what
		}
		fmt.Fprintln(stderr, "scale-eval: interrupted; "+left)
		return err
	}
	fmt.Fprintf(stderr, "scale-eval: %v\n", err)
	return err
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:  "scale-eval",
		Usage: "would a trace-driven autoscaler do the right thing on my traces and my cluster?",
		Description: `Start with "scale-eval run": it needs no data. Then "scale-eval datasets list",
and "scale-eval run --dataset NAME --data DIR" on real traces.

Exit codes: 0 ok, 1 failure, 2 usage, 3 a regression gate failed.`,
		Version:   version,
		Reader:    stdin,
		Writer:    stdout,
		ErrWriter: stderr,
		// A comma is part of a value: n_tree=12,16,32, or a regular expression.
		DisableSliceFlagSeparator: true,
		EnableBashCompletion:      true,
		Suggest:                   true,
		// The default handler exits the process, which would end a test of run.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   onUsageError,
		Action:         unknownCommand,
		Commands: []*cli.Command{
			runCommand(),
			explainCommand(),
			compareCommand(),
			submitCommand(),
			workCommand(),
			statusCommand(),
			collectCommand(),
			cancelCommand(),
			simulateCommand(),
			metricsCommand(),
			datasetsCommand(),
			benchCommand(),
			tuneCommand(),
			checkCommand(),
			rulesCommand(),
			liveCommand(),
			completionCommand(),
		},
	}
}

func onUsageError(_ *cli.Context, err error, _ bool) error {
	return usagef("%w; see --help", err)
}

// unknownCommand runs when no subcommand matched.
func unknownCommand(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("unknown command %q; see scale-eval --help", c.Args().First())
	}
	if c.Command.Name != c.App.Name {
		return cli.ShowSubcommandHelp(c)
	}
	return cli.ShowAppHelp(c)
}

// required is a usage error when an option that has no default is missing.
// cli.Flag's own Required is not one, and prints the whole help to standard output.
func required(c *cli.Context, name string) error {
	if c.String(name) == "" {
		return usagef("--%s is required; see --help", name)
	}
	return nil
}

// noArgs refuses stray arguments: "run gtrace" instead of "run --dataset gtrace"
// would otherwise quietly run the default.
func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("unexpected argument %q (options come with --; see --help)", c.Args().First())
	}
	return nil
}
