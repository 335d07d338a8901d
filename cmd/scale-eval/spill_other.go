//go:build !unix

package main

// mapped is plain memory where files cannot be mapped.
type mapped struct{ mem []byte }

func newMapped(size int) (*mapped, error) { return &mapped{make([]byte, size)}, nil }

func (m *mapped) close() {}

func (m *mapped) forget() {}
