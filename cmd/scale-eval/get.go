package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/scale-eval/scale-eval/datasets/catalog"
)

func datasetsGetCommand() *cli.Command {
	return &cli.Command{
		Name:      "get",
		Usage:     "download a dataset into the cache folder, where --dataset NAME finds it",
		ArgsUsage: "NAME[:VARIANT]",
		Description: `Most of these datasets have no single file at a lasting address, so the address
is yours to give; without --url the command says where the dataset's authors
publish it. An interrupted download goes on where it stopped.

  scale-eval datasets get --url URL --sha256 HEX nezha:ob-2022-08-22`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` of the file or archive"},
			&cli.StringFlag{Name: "sha256", Usage: "`HEX` sum that the file must have (default: none is checked, it is printed)"},
			&cli.StringFlag{Name: "folder", Value: catalog.CacheFolder(), Usage: "`DIR` to put it in"},
		},
		OnUsageError: onUsageError,
		Action:       getDataset,
	}
}

func getDataset(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("want one dataset name (options come before it); see: scale-eval datasets list")
	}
	name := c.Args().First()
	entry, variant, ok := catalog.Lookup(name)
	if !ok {
		return usagef("no dataset %q: want one of %s", name, strings.Join(catalog.Names(), ", "))
	}
	if entry.Format == catalog.Synth {
		return usagef("%s is built in: nothing to download", name)
	}
	if c.String("url") == "" {
		return usagef("no address is recorded for %s. Its authors publish it: %s. Give the file's address with --url", name, entry.Get)
	}
	if c.String("folder") == "" {
		return usagef("this system has no cache folder: say --folder DIR")
	}
	// Before the download, not behind it.
	if sum, err := hex.DecodeString(c.String("sha256")); err != nil || len(sum) != 0 && len(sum) != sha256.Size {
		return usagef("--sha256 %q: want 64 hex digits", c.String("sha256"))
	}
	file, err := fileName(entry.Name, variant, c.String("url"))
	if err != nil {
		return err
	}
	dst := filepath.Join(c.String("folder"), file)
	bar := (*progress)(nil)
	sum, err := catalog.Fetch(c.Context, http.DefaultClient, catalog.Download{
		URL: c.String("url"), Path: dst, SHA256: c.String("sha256"),
		Progress: func(done, total int64) {
			if bar == nil {
				bar = newByteProgress(c.App.ErrWriter, file, total)
			}
			bar.set(done)
		},
	})
	if err != nil {
		return err
	}
	if bar != nil {
		bar.finish()
	}
	fmt.Fprintf(c.App.Writer, "%s  %s\n", sum, dst)
	if c.String("sha256") == "" {
		fmt.Fprintf(c.App.ErrWriter, "scale-eval: the sum was not checked; pass --sha256 %s next time\n", sum)
	}
	return nil
}

// fileName is NAME-VARIANT with the suffixes of the URL's file, as the table's
// patterns expect it.
func fileName(name, variant, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", usagef("--url %q: want an http or https address", address)
	}
	base := path.Base(u.Path)
	ext := path.Ext(base)
	if inner := path.Ext(strings.TrimSuffix(base, ext)); inner == ".tar" || inner == ".csv" || inner == ".jsonl" || inner == ".json" {
		ext = inner + ext
	}
	if variant != "" {
		name += "-" + strings.ReplaceAll(variant, "/", "_")
	}
	return name + ext, nil
}
