//go:build unix && !linux

package e2e

// Apart does nothing: only on Linux has a thread CPUs of its own.
func Apart(*Proc) (restore func() error, err error) { return func() error { return nil }, nil }
