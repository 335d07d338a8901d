package jaeger

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

func archive(t testing.TB, members ...string) *bytes.Buffer {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		h := &tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o600, Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, members[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

func TestFiles(t *testing.T) {
	good := document(span("good", ""))
	buf := archive(t,
		".manifest.tsv", "abc\t12\tx.json\n",
		"a.json", good,
		"._b.json", "\x00\x05\x16\x07",
		"b.json", good[:80],
		"empty.json", "",
		"c.json", good)
	f := NewFiles(input.FromReader("x.tar", buf), Options{})
	want := []string{"good", "x.tar:b.json:1: the rest of the file cannot be read: x.tar:b.json: after span 0, byte 9: the file ends in the middle of a trace: fetch it again", "good"}
	if got := report(f); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	n, names := f.Skipped()
	if want := []string{".manifest.tsv", "._b.json", "empty.json"}; f.Read() != 3 || n != 3 || !slices.Equal(names, want) {
		t.Errorf("read %d, skipped %d %q, want 3, 3 %q", f.Read(), n, names, want)
	}
}

func TestFilesWithoutJSON(t *testing.T) {
	f := NewFiles(input.FromReader("x.tar", archive(t, "README", "hello")), Options{})
	want := []string{`stream: no Jaeger JSON among 1 files ["README"]`}
	if got := report(f); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFilesBrokenArchive(t *testing.T) {
	data := archive(t, "a.json", document(span("good", "")), "b.json", document(span("late", ""))).Bytes()
	got := report(NewFiles(input.FromReader("x.tar", bytes.NewReader(data[:1600])), Options{}))
	if len(got) != 2 || got[0] != "good" || !strings.HasPrefix(got[1], "stream: ") {
		t.Errorf("got %q, want a good span, then an error of the stream", got)
	}
}

// filler is an endless file of the same block.
type filler []byte

func (f filler) Read(p []byte) (int, error) { return copy(p, f), nil }

func TestMonsterInBoundedMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := io.MultiReader(strings.NewReader(`{"data":[{"traceID":"`), io.LimitReader(filler(bytes.Repeat([]byte("x"), 1<<16)), 1<<30))
	got := report(NewDecoder(r, "f", Options{MaxTrace: 1 << 20}))
	runtime.ReadMemStats(&after)
	want := []string{"stream: f: after span 0, byte 9: a trace or value of more than 1048576 bytes: split the file, or raise the limit"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}

// The counts are those of the archive's own description: 6 load levels with 1 000
// traces of 11 spans each. Its manifest and licence are no traces.
func TestRealHotelReservation(t *testing.T) {
	dir := os.Getenv("SCALE_EVAL_DATA")
	if dir == "" {
		t.Skip("set SCALE_EVAL_DATA to the folder with the published data sets")
	}
	files, err := input.Open(filepath.Join(dir, "traceweaver-hotel.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	f := NewFiles(files, Options{})
	spans, services, traces := 0, map[string]bool{}, map[trace.TraceID]int{}
	var s trace.Span
	for {
		err := f.Decode(&s)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		spans++
		services[s.Service] = true
		traces[s.TraceID]++
	}
	if spans != 66_000 || f.Read() != 6_000 {
		t.Errorf("%d spans in %d files, want 66000 in 6000", spans, f.Read())
	}
	if n, names := f.Skipped(); n != 2 {
		t.Errorf("skipped %d %q, want the manifest and the licence", n, names)
	}
	for id, n := range traces {
		if n != 11 {
			t.Errorf("trace %s has %d spans, want 11", id, n)
		}
	}
	if len(services) != 6 || len(traces) != 6_000 {
		t.Errorf("%d services, %d traces, want 6 and 6000", len(services), len(traces))
	}
}
