package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The lines are of the form of proc_pid_maps(5), with a name that another one ends in.
func TestReadOnlyMappings(t *testing.T) {
	const maps = "00400000-03876000 r-xp 00000000 fe:00 11298077                           /opt/a b\n" +
		"03876000-07691000 r--p 03476000 fe:00 11298077                           /opt/a b\n" +
		"07691000-07cee000 rw-p 07291000 fe:00 11298077                           /opt/a b\n" +
		"07cee000-09d51000 rw-p 00000000 00:00 0 \n" +
		"7f0000000000-7f0000001000 r-xp 00000000 fe:00 12                         /x/opt/a b\n" +
		"7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]\nnonsense\n"
	if got, want := readOnly([]byte(maps), "/opt/a b"), []mapping{{0x400000, 0x3876000}, {0x3876000, 0x7691000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// The program goes on, with less of its file in memory. That it comes back a little
// at a time is the system's business, so half is enough.
func TestReleaseStartPages(t *testing.T) {
	before := residentFile(t)
	if n, err := releaseStartPages(); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if after := residentFile(t); after > before/2 {
		t.Errorf("%d kB of files are resident, %d kB before", after, before)
	}
}

func residentFile(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc/self/status: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "RssFile:")
	kB, err := strconv.Atoi(strings.Fields(rest + " ?")[0])
	if err != nil {
		t.Skip("the system does not tell RssFile")
	}
	return kB
}
