//go:build unix

package e2e

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// peer is a program and where it comes from.
type peer struct {
	module  string // the folder in peers/ that pins it
	pkg     string
	ldflags string
}

const kubernetesVersion = "v1.36.3"

// Kubernetes says its version only when the build sets it, and clients ask for it.
const kubernetesFlags = " -X k8s.io/component-base/version.gitVersion=" + kubernetesVersion +
	" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

var peers = map[string]peer{
	"etcd":                    {"etcd", "go.etcd.io/etcd/server/v3", ""},
	"kube-apiserver":          {"kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", kubernetesFlags},
	"kube-controller-manager": {"kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", kubernetesFlags},
	"kube-scheduler":          {"kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", kubernetesFlags},
	"kwok":                    {"kwok", "sigs.k8s.io/kwok/cmd/kwok", ""},
	"otelgen":                 {"otelgen", "github.com/krzko/otelgen/cmd/otelgen", ""},
	"telemetrygen":            {"telemetrygen", "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen", ""},
	"versitygw":               {"versitygw", "github.com/versity/versitygw/cmd/versitygw", ""},
	"kustomize":               {"kustomize", "sigs.k8s.io/kustomize/kustomize/v5", ""},
	"tempo":                   {"tempo", "github.com/grafana/tempo/cmd/tempo", ""},
	"helm":                    {"helm", "helm.sh/helm/v3/cmd/helm", ""},
	"builder":                 {"ocb", "go.opentelemetry.io/collector/cmd/builder", ""},
}

// Builder builds peers into a cache. Safe for concurrent use.
type Builder struct {
	building sync.Mutex
	// Repo is the folder of this repository.
	Repo string
	// Cache is where programs and the Go build cache of the peers are; some 7 GB. It
	// is apart from the user's own build cache, so that one rm gives it back.
	Cache string
	// Log is told what takes long.
	Log func(format string, args ...any)
}

// Build gives the path of a peer's program, built if it is not there yet. A first build
// takes minutes.
func (b *Builder) Build(ctx context.Context, name string) (string, error) {
	p, ok := peers[name]
	if !ok {
		return "", fmt.Errorf("e2e: no peer %q", name)
	}
	dir := filepath.Join(b.Repo, "live", "e2e", "peers", p.module)
	stamp, err := stampOf([]string{runtime.Version(), p.pkg, p.ldflags}, filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum"))
	if err != nil {
		return "", err
	}
	return b.once(name+"-"+stamp, func(out string) error {
		return b.goCommand(ctx, dir, "build", "-trimpath", "-ldflags", "-s -w"+p.ldflags, "-o", out, p.pkg)
	})
}

// Collector gives the path of the Collector of peers/collector, which its own builder
// puts together.
func (b *Builder) Collector(ctx context.Context) (string, error) {
	ocb, err := b.Build(ctx, "builder")
	if err != nil {
		return "", err
	}
	config := filepath.Join(b.Repo, "live", "e2e", "peers", "collector", "builder-config.yaml")
	stamp, err := stampOf([]string{runtime.Version(), filepath.Base(ocb)}, config)
	if err != nil {
		return "", err
	}
	return b.once("otelcol-"+stamp, func(out string) error {
		work, err := os.MkdirTemp(b.Cache, "collector-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work)
		if err := b.command(ctx, work, ocb, "--config", config); err != nil { // its output_path is relative
			return err
		}
		return os.Rename(filepath.Join(work, "ocb", "otelcol"), out)
	})
}

// ScaleEval builds the program under test, with the user's own build cache, to dir.
func (b *Builder) ScaleEval(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(dir, "scale-eval")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, "./cmd/scale-eval")
	cmd.Dir = b.Repo
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building scale-eval: %w\n%s", err, text)
	}
	return out, nil
}

// ModuleDir is where the sources of a module that a peer needs lie. They are downloaded
// first where no build has done that yet.
func (b *Builder) ModuleDir(ctx context.Context, peerModule, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = filepath.Join(b.Repo, "live", "e2e", "peers", peerModule)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if e := json.Unmarshal(out, &got); err == nil {
		err = e
	}
	if err != nil || got.Dir == "" {
		return "", fmt.Errorf("go mod download %s: %w: %s", module, cmp.Or(err, errors.New("it names no folder")), got.Error)
	}
	return got.Dir, nil
}

// once makes Cache/bin/name by build, unless it is there. What build left half done is
// never taken for the program.
func (b *Builder) once(name string, build func(out string) error) (string, error) {
	b.building.Lock()
	defer b.building.Unlock()
	bin := filepath.Join(b.Cache, "bin")
	path := filepath.Join(bin, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	start := time.Now()
	b.Log("building %s: once, minutes", name)
	half := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer os.Remove(half)
	if err := build(half); err != nil {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	b.Log("built %s in %v", name, time.Since(start).Round(time.Second))
	return path, os.Rename(half, path)
}

func (b *Builder) goCommand(ctx context.Context, dir string, args ...string) error {
	return b.command(ctx, dir, "go", args...)
}

func (b *Builder) command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	// The peers are pure Go; with cgo they would depend on the machine's C compiler.
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(b.Cache, "go-build"), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return nil
}

// stampOf is a short hash of texts and files.
func stampOf(texts []string, files ...string) (string, error) {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%q\n", t)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}
