package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

func simulateCommand() *cli.Command {
	return &cli.Command{
		Name:         "simulate",
		Usage:        "simulate a system fitted to recorded traces",
		Flags:        slices.Concat(twinFlags(), inputFlags("")[1:], callFlags(), []cli.Flag{outputFlag()}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if err := required(c, "from-dataset"); err != nil {
				return err
			}
			return runTwin(c)
		},
	}
}
