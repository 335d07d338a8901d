// Package scaleeval_test holds the checks of the whole tree: who may import whom.
package scaleeval_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/scale-eval/scale-eval/"

// allowed is the import graph: for each room the packages of this module and the
// modules outside the standard library that it may import. A longer path wins over
// its prefix. cmd may import everything.
var allowed = map[string][]string{
	"datasets/trace":     {},
	"datasets":           {"datasets/trace", "github.com/apache/arrow/", "github.com/parquet-go/"},
	"datasets/input":     {"datasets/trace", "github.com/klauspost/compress", "github.com/therootcompany/xz"},
	"datasets/gtrace":    {"datasets", "datasets/trace", "datasets/input", "go.yaml.in/yaml/"},
	"datasets/tracemesh": {"datasets", "datasets/trace", "datasets/input"},
	"datasets/nezha":     {"datasets", "datasets/trace", "datasets/input"},
	"datasets/otlp":      {"datasets", "datasets/trace", "datasets/input", "go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"},
	"datasets/jaeger":    {"datasets", "datasets/trace", "datasets/input"},
	"datasets/otelgen":   {"datasets", "datasets/trace", "datasets/otlp", "go.opentelemetry.io/proto/otlp", "google.golang.org/", "github.com/klauspost/compress", "datasets/otlp/grpczstd"},
	"datasets/synth":     {"datasets", "datasets/trace"},
	"datasets/inject":    {"datasets", "datasets/trace"},
	// Files of a dataset may lie in a bucket; footers of many are read at a time.
	"datasets/catalog":   {"datasets", "objects", "github.com/apache/arrow/", "golang.org/x/sync/errgroup"},
	"hst":                {"datasets/trace"},
	"hst/samplertest":    {"datasets/trace"},
	"eval":               {"datasets/trace", "gonum.org/v1/gonum"},
	"eval/baselines":     {"datasets/trace", "hst", "gonum.org/v1/gonum", "github.com/DataDog/sketches-go/ddsketch"},
	"eval/tracesamplers": {"datasets/trace", "eval"},
	// Beside eval and not a top-level room: it is eval.Tally, spread over processes.
	"eval/shards": {"datasets/trace", "eval", "objects", "golang.org/x/sync/errgroup"},
	// A Job is an object of Kubernetes.
	"eval/shards/indexed": {"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/kubernetes"},
	// The one seam to object storage; its drivers, the clouds' SDKs, are apart from it.
	"objects":                {"gocloud.dev/blob", "gocloud.dev/gcerrors", "github.com/cenkalti/backoff/"},
	"objects/clouds":         {"gocloud.dev/blob/"},
	"objects/objecttest":     {},
	"reports":                {"datasets/trace", "eval", "sim/experiment/measure", "tuning", "gonum.org/v1/", "golang.org/x/image"},
	"tuning":                 {"datasets/trace", "eval"},
	"datasets/otlp/grpczstd": {"google.golang.org/grpc", "github.com/klauspost/compress"},
	// The sketch of durations is a library's: mergeable, with a proven error bound.
	"live": {"datasets/trace", "github.com/DataDog/sketches-go/", "github.com/cespare/xxhash/"},
	// Rule files need line numbers, which only a YAML node tree has.
	"live/strictyaml": {"go.yaml.in/yaml/"},
	"live/rulefile":   {"datasets/trace", "live", "live/strictyaml", "go.yaml.in/yaml/"},
	"live/story":      {"datasets/trace", "live", "live/rulefile"},
	// The Kubernetes backend is the API of client-go; a webhook is net/http.
	"live/kube": {"live", "k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/"},
	// The suite that fake and real API servers share tests live/kube from outside.
	"live/kube/kubetest": {"live", "live/kube", "k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/"},
	"live/webhook":       {"live"},
	"sim":                {"datasets/trace", "sim/policy", "sim/random", "sim/traffic"},
	"sim/random":         {"gonum.org/v1/gonum/mathext"},
	"sim/twin":           {"datasets/trace", "sim", "sim/random", "sim/traffic"},
	"live/loadgen":       {"go.opentelemetry.io/proto/otlp", "google.golang.org/"},
	"live/record":        {"live", "datasets", "datasets/scores"},
	"live/stream":        {"live/otlp", "go.opentelemetry.io/proto/otlp", "google.golang.org/"},
	"live/internal":      {"google.golang.org/grpc"},
	// What was done is remembered in files, and in Leases for other replicas.
	"live/acts":      {"live"},
	"live/kube/lead": {"live", "live/acts", "k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/", "k8s.io/klog/", "github.com/go-logr/logr"},
	"live/ops":       {"datasets/trace", "live", "live/otlp", "live/training", "github.com/prometheus/client_golang/", "github.com/cespare/xxhash/"},
	"live/status":    {},
	"live/deploy":    {},
	// The end-to-end tests ask the real API server what became of an action.
	"live/e2e": {"golang.org/x/sys/unix", "k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/"},
	// The signal is read through Kubernetes' metrics API, or KEDA's gRPC contract.
	"live/signal": {"live", "k8s.io/apimachinery/", "k8s.io/metrics/"},
	"live/keda":   {"live", "live/signal", "google.golang.org/"},
	// Training sources are HTTP clients of trace back ends.
	"live/training": {"datasets/trace", "github.com/cenkalti/backoff/"},
	"live/tempo":    {"live/training", "datasets/trace", "datasets/otlp", "golang.org/x/sync/errgroup", "google.golang.org/protobuf/encoding/protowire"},
	"live/jaeger":   {"live/training", "datasets/trace", "datasets/jaeger"},
	// OTLP is gRPC and HTTP; its messages and compressions are libraries.
	"live/otlp": {"live", "live/secure", "datasets/trace", "datasets/otlp", "datasets/otlp/grpczstd", "go.opentelemetry.io/proto/otlp", "google.golang.org/", "github.com/klauspost/compress"},
	// TLS and limits are crypto/tls, grpc and netutil.
	"live/secure": {"google.golang.org/grpc", "golang.org/x/net/netutil"},
	// Simulated workloads are objects of client-go's fake clientset.
	"sim/cluster": {"live/kube/kubefake", "sim", "sim/policy", "k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/"},
	// Scenario files are YAML, and their right answers are in the words of live.
	"sim/scenario": {"datasets/trace", "live", "live/strictyaml", "sim", "sim/random", "sim/traffic", "go.yaml.in/yaml/"},
	// An experiment plays production code and baselines on simulated clusters.
	"sim/experiment": {"datasets/trace", "hst", "live", "live/kube", "sim", "sim/cluster", "sim/policy", "sim/scenario", "tuning", "gonum.org/v1/gonum"},
	// Results are plain data: reports read them without the Kubernetes client.
	"sim/experiment/measure": {"sim", "gonum.org/v1/gonum"},
	"cmd":                    nil,
}

// pure rooms do no I/O, read no clock and draw no global randomness.
var pure = []string{"datasets/trace", "hst", "eval", "tuning", "live"}

// pureExcept are sub-packages of pure rooms whose job is I/O.
var pureExcept = []string{"live/kube", "live/webhook", "live/otlp", "live/tempo", "live/stream", "live/secure", "live/record", "live/loadgen",
	"eval/shards", "live/training", "live/jaeger", "live/acts", "live/ops", "live/signal", "live/keda", "live/status", "live/e2e"}

func TestImportGraph(t *testing.T) {
	seen := 0
	walkGo(t, func(dir, file string, imports []string, _ string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		seen++
		room, rules, ok := rulesOf(dir)
		if !ok {
			t.Errorf("%s: no room of the import graph: add it to the table with a reason, or move it", file)
			return
		}
		if room == "cmd" {
			return
		}
		for _, imp := range imports {
			if !importAllowed(imp, dir, rules) {
				t.Errorf("%s: %s may not import %q", file, room, imp)
			}
		}
	})
	if seen < 5 {
		t.Fatalf("walked %d files: the test looks in the wrong place", seen)
	}
}

func TestPureRooms(t *testing.T) {
	walkGo(t, func(dir, file string, imports []string, src string) {
		if strings.HasSuffix(file, "_test.go") || !under(dir, pure) || under(dir, pureExcept) {
			return
		}
		for _, imp := range imports {
			if imp == "os" || imp == "net" || strings.HasPrefix(imp, "net/") || imp == "math/rand" || imp == "flag" {
				t.Errorf("%s imports %q: this room does no I/O and draws no global randomness", file, imp)
			}
		}
		for _, word := range []string{"time.Now(", "time.Since(", "time.Sleep(", "rand.IntN(", "rand.Float64(", "rand.Perm("} {
			if strings.Contains(src, word) {
				t.Errorf("%s uses %s…): time and randomness are arguments here", file, word)
			}
		}
	})
}

func under(dir string, rooms []string) bool {
	for _, r := range rooms {
		if dir == r || strings.HasPrefix(dir, r+"/") {
			return true
		}
	}
	return false
}

func rulesOf(dir string) (room string, rules []string, ok bool) {
	for room = dir; room != "."; room = filepath.ToSlash(filepath.Dir(room)) {
		if rules, ok = allowed[room]; ok {
			return room, rules, true
		}
	}
	return "", nil, false
}

func importAllowed(imp, dir string, rules []string) bool {
	if rest, inside := strings.CutPrefix(imp, module); inside {
		if strings.HasPrefix(rest, dir+"/") || strings.Contains(rest, "/internal/") {
			return true
		}
		// The catalog is the one table that knows every loader.
		if dir == "datasets/catalog" && strings.HasPrefix(rest, "datasets/") {
			return true
		}
		for _, r := range rules {
			if rest == r {
				return true
			}
		}
		return false
	}
	if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return true // standard library
	}
	for _, r := range rules {
		if strings.HasPrefix(imp, r) {
			return true
		}
	}
	return false
}

func walkGo(t *testing.T, visit func(dir, file string, imports []string, src string)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if d.IsDir() || dir == "." || !strings.HasSuffix(path, ".go") {
			return nil
		}
		src := readFile(t, path)
		f, err := parser.ParseFile(fset, path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range f.Imports {
			imports = append(imports, strings.Trim(i.Path.Value, `"`))
		}
		visit(dir, path, imports, src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
