// Package objecttest is an object store for tests: as much of the S3 protocol as package
// objects uses, in memory, on loopback, and the ways in which a store fails. What it says
// is held to a real server by the end-to-end tests, which put [Faults] in front of one.
package objecttest
