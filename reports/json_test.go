package reports

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/scale-eval/scale-eval/eval"
)

func encode(t testing.TB, r *eval.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestJSONRoundTrip: what is read back writes the same bytes, NaN included.
func TestJSONRoundTrip(t *testing.T) {
	b, _ := trackB()
	n, _ := noPositives()
	for _, r := range []*eval.Result{b, n} {
		first := encode(t, r)
		back, err := ReadJSON(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, encode(t, back)) {
			t.Error("reading and writing changed the file")
		}
	}
	back, err := ReadJSON(bytes.NewReader(encode(t, n)))
	if err != nil || !math.IsNaN(float64(back.Samplers[0].Point.Metrics.Recall.Value)) {
		t.Errorf("an undefined recall came back as %v, %v", back.Samplers[0].Point.Metrics.Recall.Value, err)
	}
}

func TestJSONIsIndentedAndPlain(t *testing.T) {
	r, _ := trackA()
	r.Dataset = "a<b>&c"
	got := string(encode(t, r))
	if !strings.HasPrefix(got, "{\n  \"version\": 1,\n  \"dataset\": \"a<b>&c\",\n") || !strings.HasSuffix(got, "}\n") {
		t.Errorf("starts with %q", got[:60])
	}
}

func TestJSONRefuses(t *testing.T) {
	good := func() string { r, _ := synthetic(50, 5, 1); return string(encode(t, r)) }()
	for name, c := range map[string][2]string{
		"newer":      {strings.Replace(good, `"version": 1`, `"version": 2`, 1), "version 2 is newer than 1"},
		"older":      {strings.Replace(good, `"version": 1`, `"version": 0`, 1), "version 0 is older than 1"},
		"none":       {`{"samplers": [{}]}`, `no field "version"`},
		"cut":        {good[:len(good)/2], "at byte"},
		"twice":      {good + good, "at byte"},
		"type":       {strings.Replace(good, `"seed": 42`, `"seed": "x"`, 1), `field "seed"`},
		"empty":      {"", "unexpected end"},
		"array":      {"[]", "at byte"},
		"no sampler": {`{"version": 1}`, "no samplers"},
	} {
		if _, err := ReadJSON(strings.NewReader(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: error %v, want in it %q", name, err, c[1])
		}
	}
	if _, err := ReadJSON(iotest.ErrReader(errors.New("disk"))); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("an I/O error became %v", err)
	}
	if err := WriteJSON(&bytes.Buffer{}, &eval.Result{}); err == nil {
		t.Error("a result without a version was written")
	}
}

func FuzzReadJSON(f *testing.F) {
	r, _ := synthetic(50, 5, 1)
	f.Add(encode(f, r))
	f.Add([]byte(`{"version":1,"samplers":[{"point":{"threshold":null}}]}`))
	f.Add([]byte(`{"version":1e0}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		res, err := ReadJSON(bytes.NewReader(raw))
		if err != nil {
			return
		}
		encode(t, res)
		if err := Text(&bytes.Buffer{}, res, nil, TextOptions{}); err != nil {
			t.Error(err)
		}
		if err := HTML(&bytes.Buffer{}, res, nil, HTMLOptions{}); err != nil {
			t.Error(err)
		}
	})
}
