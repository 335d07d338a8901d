package main

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"k8s.io/client-go/discovery/cached/memory"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/kube"
	"github.com/scale-eval/scale-eval/live/kube/lead"
	"github.com/scale-eval/scale-eval/live/signal"
	"github.com/scale-eval/scale-eval/live/webhook"
)

// backend is where actions go, and who may act.
type backend struct {
	orchestrator live.Orchestrator
	elector      *lead.Elector  // nil: no election
	signal       *signal.Signal // nil: actions are written
}

// openBackend makes the backend of --backend. It asks no server anything: one that
// is down at start is back later.
func openBackend(c *cli.Context, log *slog.Logger) (*backend, error) {
	kind, address, _ := strings.Cut(c.String("backend"), "=")
	if kind == "" {
		if kind = "log"; c.String("kubeconfig") != "" || os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
			kind = "kube"
		}
	}
	switch kind {
	case "webhook":
		w, err := webhook.New(webhook.Options{URL: address})
		if err != nil {
			return nil, usageError{err}
		}
		return &backend{orchestrator: w}, nil
	case "log":
		return &backend{orchestrator: logged{live.NewLedger(nil, live.State{Replicas: 1, Ready: 1}), log}}, nil
	}
	return openKube(c, log)
}

// logged says what a ledger is told.
type logged struct {
	live.Orchestrator
	log *slog.Logger
}

func (l logged) Scale(ctx context.Context, a live.Action) error {
	l.log.Info("action", "what", a.String(), "dry_run", a.DryRun, "why", a.Why.String())
	return l.Orchestrator.Scale(ctx, a)
}

func openKube(c *cli.Context, log *slog.Logger) (*backend, error) {
	cfg, err := kubeConfig(c.String("kubeconfig"))
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	namespace := c.String("namespace")
	if namespace == "" {
		namespace = "default"
	}
	o, err := kube.New(kube.Options{Client: client, Dynamic: dyn, Mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery())),
		Namespace: namespace, Selector: c.String("selector")})
	if err != nil {
		return nil, usageError{err}
	}
	b := &backend{orchestrator: o}
	if c.String("backend") == "signal" { // every replica answers: nothing is elected
		b.signal = signal.New(o)
		b.orchestrator = b.signal
		return b, nil
	}
	if c.Bool("act") && c.String("lease") != "" {
		b.elector, err = lead.New(lead.Options{Client: client, Namespace: namespace, Name: c.String("lease"), Identity: replicaName(c), Log: log})
		if err != nil {
			return nil, usageError{err}
		}
		b.orchestrator = b.elector.Gate(o)
	}
	return b, nil
}

func kubeConfig(file string) (*rest.Config, error) {
	if file == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", file)
}
