package hst

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The golden vectors are numbers recorded from River 0.21/0.22 and CPython; the
// directory's own README describes the format. Every vector that index.json lists
// is run, whatever its name.

// vector is one recorded run.
type vector struct {
	Inputs     string `json:"inputs"`
	Trees      int    `json:"n_trees"`
	Height     int    `json:"height"`
	Window     int    `json:"window_size"`
	Seed       Seed   `json:"-"`
	RawSeed    json.Number
	Limits     map[string][2]float64 `json:"limits"`
	BuildKeys  []string              `json:"build_keys"`
	SizeLimit  float64               `json:"size_limit"`
	MaxScore   json.Number           `json:"max_score"`
	ForestHash string                `json:"forest_sha256"`
	Tree0Hash  string                `json:"tree0_sha256"`
	Tree0Len   int                   `json:"tree0_branches"`
	Tree0      [][2]any              `json:"tree0"`
	PreSum     []json.Number         `json:"pre_sum"`
	Post       []float64             `json:"post"`
	MassHash   string                `json:"final_mass_sha256"`
}

// goldenDir is the directory of recorded vectors; without one the test is skipped.
func goldenDir(t testing.TB) string {
	dir := os.Getenv("SCALE_EVAL_GOLDEN")
	if dir == "" {
		t.Skip("set SCALE_EVAL_GOLDEN to the directory of recorded River vectors")
	}
	return dir
}

// readJSON decodes a file of the golden directory; false if it does not exist.
func readJSON(t *testing.T, dir, name string, v any) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if os.IsNotExist(err) {
		return false
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return true
}

func (v *vector) config(t *testing.T) Config {
	c := Config{Trees: v.Trees, Height: v.Height, Window: v.Window, Limits: v.Limits}
	if err := c.Seed.UnmarshalText([]byte(v.RawSeed)); err != nil {
		t.Fatal(err)
	}
	return c
}

// branchHash is the format's hash of branches: pre-order, name, 0, threshold.
func branchHash(s *splits, trees int) string {
	h := sha256.New()
	for t := range trees {
		preorder(s.branches, func(i int) {
			k := t*s.branches + i
			h.Write(append([]byte(s.keys[s.feature[k]]), 0))
			h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(s.threshold[k])))
		})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestGoldenForests(t *testing.T) {
	dir := goldenDir(t)
	var names []string
	if !readJSON(t, dir, "index.json", &names) || len(names) == 0 {
		t.Fatal("index.json lists nothing")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var v vector
			var raw struct {
				Seed json.Number `json:"seed"`
			}
			readJSON(t, dir, name+".json", &v)
			readJSON(t, dir, name+".json", &raw)
			v.RawSeed = raw.Seed
			s, err := grow(v.config(t), v.BuildKeys)
			if err != nil {
				t.Fatal(err)
			}
			if got := branchHash(s, s.trees); got != v.ForestHash {
				t.Errorf("forest hash %s, want %s", got, v.ForestHash)
			}
		})
	}
}
