package hst

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The golden vectors are numbers recorded from River 0.21/0.22 and CPython 3; the
// README of their directory describes the format. Every vector that its index.json
// lists is run, whatever its name, inputs and features.

// vector is one recorded run of River.
type vector struct {
	Inputs     string                `json:"inputs"`
	Trees      int                   `json:"n_trees"`
	Height     int                   `json:"height"`
	Window     int                   `json:"window_size"`
	Seed       json.Number           `json:"seed"`
	Limits     map[string][2]float64 `json:"limits"`
	BuildKeys  []string              `json:"build_keys"`
	SizeLimit  float64               `json:"size_limit"`
	MaxScore   float64               `json:"max_score"`
	ForestHash string                `json:"forest_sha256"`
	Tree0Hash  string                `json:"tree0_sha256"`
	Tree0Len   int                   `json:"tree0_branches"`
	Tree0      []goldenBranch        `json:"tree0"`
	PreSum     []json.Number         `json:"pre_sum"`
	Post       []float64             `json:"post"`
	MassHash   string                `json:"final_mass_sha256"`
}

// goldenBranch is a [feature, threshold] pair.
type goldenBranch struct {
	feature   string
	threshold float64
}

func (b *goldenBranch) UnmarshalJSON(data []byte) error {
	pair := []any{&b.feature, &b.threshold}
	return json.Unmarshal(data, &pair)
}

// goldenNumber is a float64 that may be one of bareWords.
type goldenNumber float64

// bareWords are what Python's json writes for values that JSON cannot hold.
var bareWords = regexp.MustCompile(`([:\[,]\s*)(NaN|-?Infinity)`)

func (n *goldenNumber) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	*n = goldenNumber(f)
	return err
}

// goldenDir is the directory of recorded vectors; without one the test is skipped.
func goldenDir(t *testing.T) string {
	dir := os.Getenv("SCALE_EVAL_GOLDEN")
	if dir == "" {
		t.Skip("set SCALE_EVAL_GOLDEN to the directory of recorded River vectors")
	}
	return dir
}

// readGolden decodes a file of the directory; false if there is no such file.
func readGolden(t *testing.T, dir, name string, v any) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if os.IsNotExist(err) {
		return false
	}
	if err == nil {
		err = json.Unmarshal(bareWords.ReplaceAll(data, []byte(`$1"$2"`)), v)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return true
}

// goldenInputs merges every inputs*.json: name -> observations.
func goldenInputs(t *testing.T, dir string) map[string][]map[string]float64 {
	raw := map[string]json.RawMessage{}
	files, err := fs.Glob(os.DirFS(dir), "inputs*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no inputs*.json in %s (%v)", dir, err)
	}
	for _, name := range files {
		readGolden(t, dir, name, &raw)
	}
	inputs := map[string][]map[string]float64{}
	for name, data := range raw {
		var rows []map[string]goldenNumber
		if json.Unmarshal(data, &rows) != nil {
			continue // spans or keys, which addSpanInputs reads
		}
		for _, row := range rows {
			x := map[string]float64{}
			for feature, value := range row {
				x[feature] = float64(value)
			}
			inputs[name] = append(inputs[name], x)
		}
	}
	for name, data := range raw {
		addSpanInputs(t, name, data, raw, inputs)
	}
	return inputs
}

// addSpanInputs turns a list of [service, operation, ms] named N and each list of
// keys named N_key_K into the observations N_K: {key: 1, "duration": ms}.
func addSpanInputs(t *testing.T, name string, data json.RawMessage, raw map[string]json.RawMessage, inputs map[string][]map[string]float64) {
	var spans [][3]json.RawMessage
	if json.Unmarshal(data, &spans) != nil {
		return
	}
	for keysName, keysData := range raw {
		var kind string
		if n, _ := fmt.Sscanf(keysName, name+"_key_%s", &kind); n != 1 {
			continue
		}
		var keys []string
		if err := json.Unmarshal(keysData, &keys); err != nil || len(keys) != len(spans) {
			t.Fatalf("%s: %d keys for %d spans (%v)", keysName, len(keys), len(spans), err)
		}
		rows := make([]map[string]float64, len(spans))
		for i, s := range spans {
			var ms goldenNumber
			if err := ms.UnmarshalJSON(s[2]); err != nil {
				t.Fatalf("%s %d: %v", name, i, err)
			}
			rows[i] = map[string]float64{keys[i]: 1, "duration": float64(ms)}
		}
		inputs[name+"_"+kind] = rows
	}
}

func TestGoldenVectors(t *testing.T) {
	dir := goldenDir(t)
	inputs := goldenInputs(t, dir)
	var names []string
	if !readGolden(t, dir, "index.json", &names) || len(names) == 0 {
		t.Fatal("index.json lists no vector")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var v vector
			if !readGolden(t, dir, name+".json", &v) {
				t.Fatalf("index.json lists %s, but there is no %s.json", name, name)
			}
			rows, ok := inputs[v.Inputs]
			if !ok {
				t.Fatalf("no observations named %q in inputs*.json", v.Inputs)
			}
			v.run(t, rows)
		})
	}
}

func (v *vector) run(t *testing.T, rows []map[string]float64) {
	if n := len(v.Post); n == 0 || n != len(v.PreSum) || n > len(rows) {
		t.Fatalf("%d pre_sum and %d post for %d observations", len(v.PreSum), len(v.Post), len(rows))
	}
	cfg := Config{Trees: v.Trees, Height: v.Height, Window: v.Window, Limits: v.Limits}
	if err := cfg.Seed.UnmarshalText([]byte(v.Seed)); err != nil {
		t.Fatal(err)
	}
	r, err := NewRiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range rows[:len(v.Post)] {
		v.checkBefore(t, r, i, x)
		if err := r.Learn(x); err != nil {
			t.Fatalf("observation %d: %v", i, err)
		}
		if i == 0 {
			v.checkForest(t, r.Forest())
		}
		if got := r.Score(x); got != v.Post[i] {
			t.Fatalf("observation %d: score after learning %v, want %v", i, got, v.Post[i])
		}
	}
	if got := massHash(r.Forest()); got != v.MassHash {
		t.Errorf("final_mass_sha256 %s, want %s", got, v.MassHash)
	}
}

// checkBefore compares what the model says of observation i before learning it.
func (v *vector) checkBefore(t *testing.T, r *River, i int, x map[string]float64) {
	t.Helper()
	sum, err := strconv.ParseFloat(string(v.PreSum[i]), 64)
	if err != nil {
		t.Fatal(err)
	}
	score := 0.0
	if i >= v.Window {
		score = 1 - sum/v.MaxScore
	}
	if got := float64(r.Mass(x)); got != sum {
		t.Fatalf("observation %d: mass before learning %v, want %v", i, got, sum)
	}
	if got := r.Score(x); got != score {
		t.Fatalf("observation %d: score before learning %v, want %v", i, got, score)
	}
}

// checkForest compares the trees as they were grown, and the constants.
func (v *vector) checkForest(t *testing.T, f *Forest) {
	t.Helper()
	if got := fmt.Sprint(f.Features()); got != fmt.Sprint(v.BuildKeys) {
		t.Errorf("features %s, want %v", got, v.BuildKeys)
	}
	if got := 0.1 * float64(f.cfg.Window); got != v.SizeLimit {
		t.Errorf("size_limit %v, want %v", got, v.SizeLimit)
	}
	if f.scale != v.MaxScore {
		t.Errorf("max_score %v, want %v", f.scale, v.MaxScore)
	}
	if f.branches != v.Tree0Len {
		t.Errorf("tree0_branches %d, want %d", f.branches, v.Tree0Len)
	}
	if got := branchHash(f, 1); got != v.Tree0Hash {
		t.Errorf("tree0_sha256 %s, want %s", got, v.Tree0Hash)
	}
	if got := branchHash(f, f.cfg.Trees); got != v.ForestHash {
		t.Errorf("forest_sha256 %s, want %s", got, v.ForestHash)
	}
	var tree0 []goldenBranch
	preorder(f.branches, func(i int) {
		on, at := f.Branch(0, i)
		tree0 = append(tree0, goldenBranch{f.features[on], at})
	})
	for i, want := range v.Tree0 {
		if tree0[i] != want {
			t.Fatalf("tree0 branch %d in pre-order: %v, want %v", i, tree0[i], want)
		}
	}
}

// branchHash is the format's hash of the first trees: pre-order, the feature's
// name, a zero byte, the threshold.
func branchHash(f *Forest, trees int) string {
	h := sha256.New()
	for t := range trees {
		preorder(f.branches, func(i int) {
			on, at := f.Branch(t, i)
			h.Write(append([]byte(f.features[on]), 0))
			h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(at)))
		})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// massHash is the format's hash of all masses: pre-order, r then l.
func massHash(f *Forest) string {
	h := sha256.New()
	for t := range f.cfg.Trees {
		preorder(f.perTree, func(i int) {
			r, l := f.Masses(t, i)
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(r)))
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(l)))
		})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// goldenStream is what CPython's random.Random(seed) gives, each list from a
// fresh generator.
type goldenStream struct {
	Words   []uint32  `json:"u32"`
	Random  []float64 `json:"random"`
	Uniform []float64 `json:"uniform_015_085"`
	Choices string    `json:"choices_abc_1_2_05"`
	At1001  *float64  `json:"random_1001th"`
}

func TestGoldenMT19937(t *testing.T) {
	dir := goldenDir(t)
	var streams map[string]goldenStream
	if !readGolden(t, dir, "mt19937.json", &streams) {
		t.Skip("the golden directory has no mt19937.json")
	}
	for text, want := range streams {
		t.Run(text, func(t *testing.T) {
			seed, err := ParseSeed(text)
			if err != nil {
				t.Fatal(err)
			}
			want.check(t, seed)
		})
	}
}

func (g *goldenStream) check(t *testing.T, seed Seed) {
	t.Helper()
	m := newMT19937(seed)
	for i, want := range g.Words {
		if got := m.uint32(); got != want {
			t.Fatalf("word %d is %d, want %d", i, got, want)
		}
	}
	m = newMT19937(seed)
	for i, want := range g.Random {
		if got := m.float64(); got != want {
			t.Fatalf("random() %d is %v, want %v", i, got, want)
		}
	}
	m = newMT19937(seed)
	for i, want := range g.Uniform {
		if got := m.uniform(0.15, 0.85); got != want {
			t.Fatalf("uniform(0.15, 0.85) %d is %v, want %v", i, got, want)
		}
	}
	m = newMT19937(seed)
	for i, want := range g.Choices {
		if got := rune('a' + m.weighted([]float64{1, 3, 3.5})); got != want {
			t.Fatalf("choice %d is %c, want %c", i, got, want)
		}
	}
	if g.At1001 == nil {
		return
	}
	m = newMT19937(seed)
	for range 1000 {
		m.float64()
	}
	if got := m.float64(); got != *g.At1001 {
		t.Fatalf("random() 1001 is %v, want %v", got, *g.At1001)
	}
}
