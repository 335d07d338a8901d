package input

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

const text = "a,b\n1,2\n"

// bz2Text is text as bzip2 wrote it: the standard library has no writer.
const bz2Text = "BZh91AY&SY\xbf\x87@\x7f\x00\x00\x03Y\x00\x00\x10\x00\x040\x000\x00 \x000\xc0\x08i\xb2\x88#'\x8b\xb9\x22\x9c(H_\xc3\xa0?\x80"

func pack(t testing.TB, kind, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gz":
		w = gzip.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zst":
		w, err = zstd.NewWriter(&b)
	case "bz2":
		if s != text {
			t.Fatal("no bzip2 writer")
		}
		return []byte(bz2Text)
	case "tar":
		return tarOf(t, "dir/in.csv", s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarOf makes an archive of name, text pairs, behind members that are no files.
func tarOf(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	headers := []*tar.Header{
		{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "dir/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "dir/pipe", Typeflag: tar.TypeFifo},
	}
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, &tar.Header{Name: pairs[i], Typeflag: tar.TypeReg, Size: int64(len(pairs[i+1])), Mode: 0o644})
	}
	for i, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if i >= 3 {
			if _, err := io.WriteString(w, pairs[2*(i-3)+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// contents is "name=text" of every stream.
func contents(files *Files) (out []string, err error) {
	for {
		f, err := files.Next()
		if err == io.EOF {
			return out, files.Close()
		}
		if err != nil {
			return out, errors.Join(err, files.Close())
		}
		b, err := io.ReadAll(f)
		if err != nil {
			return out, errors.Join(err, files.Close())
		}
		out = append(out, f.Name+"="+string(b))
	}
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) []string {
	t.Helper()
	files, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := contents(files)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOpenEachPacking(t *testing.T) {
	dir := t.TempDir()
	for _, kind := range []string{"gz", "bz2", "xz", "zst"} {
		if got := open(t, write(t, filepath.Join(dir, "x.csv."+kind), pack(t, kind, text))); !slices.Equal(got, []string{"x.csv=" + text}) {
			t.Errorf("%s: %q", kind, got)
		}
		// The suffix may lie: the bytes decide.
		if got := open(t, write(t, filepath.Join(dir, kind+".csv"), pack(t, kind, text))); !slices.Equal(got, []string{kind + ".csv=" + text}) {
			t.Errorf("%s without suffix: %q", kind, got)
		}
	}
	if got := open(t, write(t, filepath.Join(dir, "plain.gz"), []byte(text))); !slices.Equal(got, []string{"plain=" + text}) {
		t.Errorf("plain text named gz: %q", got)
	}
	archive := string(pack(t, "tar", text))
	for _, kind := range []string{"gz", "xz", "zst"} {
		if got := open(t, write(t, filepath.Join(dir, "x.t"), pack(t, kind, archive))); !slices.Equal(got, []string{"dir/in.csv=" + text}) {
			t.Errorf("tar.%s: %q", kind, got)
		}
	}
	if got := open(t, write(t, filepath.Join(dir, "empty"), nil)); !slices.Equal(got, []string{"empty="}) {
		t.Errorf("empty file: %q", got)
	}
}

func TestFolderIsSortedAndFlat(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "raw", "2.csv.gz"), pack(t, "gz", "two"))
	write(t, filepath.Join(dir, "raw", "1.csv"), []byte("one"))
	write(t, filepath.Join(dir, "a.tar.gz"), pack(t, "gz", string(tarOf(t, "../../up.csv", "up", "in/z.csv.gz", string(pack(t, "gz", "zed"))))))
	// A loop of links, and a second way to the same folder.
	for link, to := range map[string]string{"raw/loop": "..", "zz": "raw"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	want := []string{"up.csv=up", "in/z.csv=zed", "raw/1.csv=one", "raw/2.csv=two"}
	if got := open(t, dir); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	names, err := List(dir)
	if err != nil || !slices.Equal(names, []string{"up.csv", "in/z.csv", "raw/1.csv", "raw/2.csv"}) {
		t.Errorf("List: %q %v", names, err)
	}
}

// TestTruncated cuts each packing at every length: the result is the whole text,
// or an error that names the file, never a shorter text taken for the whole.
func TestTruncated(t *testing.T) {
	for _, kind := range []string{"gz", "bz2", "xz", "zst"} {
		whole := pack(t, kind, text)
		for n := 6; n < len(whole); n++ {
			got, err := contents(FromReader("cut."+kind, bytes.NewReader(whole[:n])))
			plainText := len(got) == 1 && got[0] == "cut="+string(whole[:n])
			if plainText && kind == "bz2" && n < 10 {
				continue // too short to be told from text
			}
			if err == nil {
				t.Errorf("%s cut at %d of %d: no error, read %q", kind, n, len(whole), got)
			} else if !strings.HasPrefix(err.Error(), "cut."+kind+": ") {
				t.Errorf("%s cut at %d: error does not name the file: %v", kind, n, err)
			}
		}
	}
	whole := tarOf(t, "x.csv", strings.Repeat(text, 1000))
	if got, err := contents(FromReader("cut.tar", bytes.NewReader(whole[:len(whole)/2]))); err == nil {
		t.Errorf("cut tar: no error, read %d streams", len(got))
	}
}

func TestHostile(t *testing.T) {
	nested := []byte(text)
	for range MaxDepth + 1 {
		nested = pack(t, "gz", string(nested))
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nested", nested, "layers of compression"},
		{"xz.dictionary", hugeDictionary(t), "xz: LZMA2 dictionary size exceeds max (128 MiB): unpack it by hand"},
		{"zip", []byte("PK\x03\x04zzzz"), "zip archives are not read"},
		{"gz.garbage", []byte("\x1f\x8bgarbage"), "gzip"},
		{"zst.window", append([]byte("\x28\xb5\x2f\xfd\x00\xff"), make([]byte, 64)...), "window"},
	} {
		_, err := contents(FromReader(c.name, bytes.NewReader(c.data)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.name) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// hugeDictionary is an xz file whose block header asks for a dictionary of
// 4 GiB - 1 (xz format 5.3.1): the property byte behind filter id 0x21 and its
// size 1, with the header's CRC made good.
func hugeDictionary(t *testing.T) []byte {
	data := pack(t, "xz", text)
	header := data[12 : 12+4*(int(data[12])+1)]
	at := bytes.Index(header, []byte{0x21, 1})
	if at < 0 {
		t.Fatal("no LZMA2 filter in the block header")
	}
	header[at+2] = 40
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	return data
}

// TestBombKeepsMemory unpacks 64 MiB of zeros, one line, from some hundred KiB.
func TestBombKeepsMemory(t *testing.T) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := FromReader("bomb.gz", &b).Next()
	if err != nil {
		t.Fatal(err)
	}
	grown := heapGrowth(func() {
		_, err = NewLines(f.Path, f, 1<<20).Next()
	})
	if err == nil || !strings.Contains(err.Error(), "bomb.gz:1: line of 67108864 bytes") {
		t.Errorf("error %v", err)
	}
	if grown > 16<<20 {
		t.Errorf("allocated %d MiB", grown>>20)
	}
}

// heapGrowth is the number of bytes that f allocated, freed or not.
func heapGrowth(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestProgress(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "x.csv"), []byte(text))
	files, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contents(files); err != nil {
		t.Fatal(err)
	}
	if read, total := files.Progress(); read != int64(len(text)) || total != read {
		t.Errorf("progress %d of %d", read, total)
	}
}

// FuzzOpen unpacks arbitrary bytes. At most 64 MiB are read of each.
func FuzzOpen(f *testing.F) {
	for _, kind := range []string{"gz", "bz2", "xz", "zst", "tar"} {
		f.Add(pack(f, kind, text))
	}
	f.Add([]byte(text))
	f.Fuzz(func(t *testing.T, data []byte) {
		files := FromReader("fuzz", bytes.NewReader(data))
		defer files.Close()
		for range 100 {
			file, err := files.Next()
			if err != nil {
				if err != io.EOF && !strings.HasPrefix(err.Error(), "fuzz") {
					t.Errorf("error does not name the file: %v", err)
				}
				return
			}
			if _, err := io.Copy(io.Discard, io.LimitReader(file, 64<<20)); err != nil {
				return
			}
		}
	})
}

func ExampleFiles() {
	files := FromReader("notes.txt", strings.NewReader("hello"))
	for {
		f, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		b, _ := io.ReadAll(f)
		fmt.Printf("%s: %s\n", f.Name, b)
	}
	// Output: notes.txt: hello
}
