package input

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAhead(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for _, size := range []int{0, 1, aheadBytes - 1, aheadBytes, 3*aheadBytes + 7, 10 * aheadBytes} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(rng.Uint32())
		}
		for name, r := range map[string]io.Reader{"": bytes.NewReader(want), "half": iotest.HalfReader(bytes.NewReader(want)), "data with EOF": iotest.DataErrReader(bytes.NewReader(want))} {
			a := &ahead{r: r}
			got, err := io.ReadAll(a)
			if err != nil || !bytes.Equal(got, want) || a.close() != nil {
				t.Errorf("%d bytes %s: read %d, %v", size, name, len(got), err)
			}
		}
	}
	broken := &ahead{r: io.MultiReader(strings.NewReader("data"), iotest.ErrReader(io.ErrUnexpectedEOF))}
	for range 2 {
		if _, err := io.ReadAll(broken); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error is %v", err)
		}
	}
}

// TestCloseEndsTheGoroutine leaves streams half read: Next and Close must end what
// runs ahead, or a tar archive would be read by two goroutines at once.
func TestCloseEndsTheGoroutine(t *testing.T) {
	long := strings.Repeat(text, 1<<18)
	inner := string(pack(t, "gz", long))
	data := pack(t, "gz", string(tarOf(t, "a.gz", inner, "b.gz", inner, "c.gz", inner)))
	before := runtime.NumGoroutine()
	files := FromReader("x.tgz", bytes.NewReader(data))
	for _, want := range []string{"a", "b"} {
		f, err := files.Next()
		if err != nil || f.Name != want {
			t.Fatal(f, err)
		}
		for range 2 {
			if _, err := io.ReadFull(f, make([]byte, 200<<10)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after Close", before, after)
	}
}
