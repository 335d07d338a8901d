package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/scale-eval/scale-eval/live"
)

// ErrChanged says that somebody changed the target after the decision was made.
// The next tick decides anew.
var ErrChanged = errors.New("the target changed since the decision")

// ErrNotSelected says that Options.Selector does not match the target.
var ErrNotSelected = errors.New("the selector does not match the target")

// FieldManager is the name under which the server records our writes.
const FieldManager = "scale-eval"

// ResizeMode is how resources are changed.
type ResizeMode uint8

const (
	// ResizeAuto resizes pods in place where the server has pods/resize (beta in
	// 1.33, stable since 1.35), else it changes the template.
	ResizeAuto ResizeMode = iota
	// ResizeTemplate changes the pod template: the workload rolls.
	ResizeTemplate
	// ResizeInPlace resizes pods, or fails.
	ResizeInPlace
)

// Options of an Orchestrator.
type Options struct {
	// Client is required.
	Client kubernetes.Interface
	// Dynamic and Mapper reach kinds other than Deployment and StatefulSet. nil: such
	// targets are refused with live.ErrNoTarget.
	Dynamic dynamic.Interface
	Mapper  meta.RESTMapper
	// Namespace of targets that name none, and the one that discovery looks in.
	// Default "default".
	Namespace string
	// Services is the explicit map from a service of the traces to its workload.
	Services map[string]live.Target
	// ServiceLabels are the label keys that name a service, best first. Default
	// app.kubernetes.io/name, then app.
	ServiceLabels []string
	// Selector, if set, is a label selector: workloads that it does not match are
	// never written and never discovered.
	Selector string
	// Resize is how resources are changed. Default ResizeAuto.
	Resize ResizeMode
	// NoEvents makes no Events.
	NoEvents bool
	// Retry is how conflicts are retried. Default five times, 10 ms to 160 ms apart.
	Retry wait.Backoff
}

// Orchestrator is a live.Orchestrator on Kubernetes. It is safe for concurrent use.
type Orchestrator struct {
	o        Options
	selector labels.Selector

	mu          sync.Mutex
	found       map[string]live.Target // of discovery
	inPlace     *bool                  // whether the server has pods/resize
	eventErrors int64
	lastEvent   error
}

var _ live.Orchestrator = (*Orchestrator)(nil)

// New makes an Orchestrator. It errs when Client is missing or Selector cannot be
// parsed, and asks the server nothing.
func New(o Options) (*Orchestrator, error) {
	if o.Client == nil {
		return nil, errors.New("kube: want a client")
	}
	if o.Namespace == "" {
		o.Namespace = metav1.NamespaceDefault
	}
	if o.ServiceLabels == nil {
		o.ServiceLabels = []string{"app.kubernetes.io/name", "app"}
	}
	if o.Retry.Steps == 0 {
		o.Retry = wait.Backoff{Steps: 5, Duration: 10 * time.Millisecond, Factor: 2, Jitter: 0}
	}
	sel, err := labels.Parse(o.Selector)
	if err != nil {
		return nil, fmt.Errorf("kube: selector %q: %w", o.Selector, err)
	}
	return &Orchestrator{o: o, selector: sel, found: map[string]live.Target{}}, nil
}

// Current implements live.Orchestrator. Cost: one GET, and a LIST of pods when they
// are resized in place.
func (k *Orchestrator) Current(ctx context.Context, t live.Target) (live.State, error) {
	a, w, err := k.read(ctx, t)
	if err != nil {
		return live.State{}, err
	}
	s := live.State{Replicas: w.replicas, Ready: w.ready, Rolling: w.rolling, Resources: templateResources(w)}
	if s.Resources != nil && k.resizesInPlace(ctx) {
		err = k.raiseToPods(ctx, a, w, s.Resources)
	}
	return s, err
}

// read finds the target and reads its workload.
func (k *Orchestrator) read(ctx context.Context, t live.Target) (access, *workload, error) {
	ref, err := k.resolve(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	a, err := k.access(ref)
	if err != nil {
		return nil, nil, err
	}
	w, err := a.get(ctx, ref.Name)
	if apierrors.IsNotFound(err) {
		k.forget(t)
		return nil, nil, fmt.Errorf("%s: %w: %w", ref, live.ErrNoTarget, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", ref, err)
	}
	if !k.selector.Matches(labels.Set(w.meta.Labels)) {
		return nil, nil, fmt.Errorf("%s: %w %q", ref, ErrNotSelected, k.o.Selector)
	}
	return a, w, nil
}

// Scale implements live.Orchestrator.
func (k *Orchestrator) Scale(ctx context.Context, a live.Action) error {
	acc, w, err := k.read(ctx, a.Target)
	if err != nil {
		return err
	}
	if a.Kind == live.Horizontal {
		if err := k.owner(ctx, w); err != nil {
			k.event(ctx, &a, w, "ScaleRefused", err.Error())
			return err
		}
		err = k.replicas(ctx, &a, acc, w)
	} else {
		err = k.resources(ctx, &a, acc, w)
	}
	if err != nil {
		k.event(ctx, &a, w, "ScaleFailed", err.Error())
		return fmt.Errorf("%s: %w", w, err)
	}
	k.event(ctx, &a, w, reason(&a), a.String()+": "+a.Why.String())
	return nil
}

// replicas writes the scale subresource, with the version that was read.
func (k *Orchestrator) replicas(ctx context.Context, a *live.Action, acc access, w *workload) error {
	return k.onConflict(func() error {
		s, err := acc.getScale(ctx, w.meta.Name)
		if err != nil {
			return err
		}
		switch int(s.Spec.Replicas) {
		case a.To:
			return nil // done already: an action may be repeated
		case a.From:
		default:
			return fmt.Errorf("%w: from %d to %d replicas", ErrChanged, a.From, s.Spec.Replicas)
		}
		s.Spec.Replicas = int32(a.To)
		return acc.updateScale(ctx, s, metav1.UpdateOptions{FieldManager: FieldManager, DryRun: dryRun(a)})
	})
}

// onConflict repeats f while it meets conflicts. client-go's RetryOnConflict takes a
// deadline in f for one of its own and then returns the last conflict: nil, if there
// was none. A write that timed out would pass for one that was done.
func (k *Orchestrator) onConflict(f func() error) error {
	var last error
	if err := retry.RetryOnConflict(k.o.Retry, func() error { last = f(); return last }); last == nil {
		return err
	}
	return last
}

func dryRun(a *live.Action) []string {
	if a.DryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// owner errs when a HorizontalPodAutoscaler scales the workload.
func (k *Orchestrator) owner(ctx context.Context, w *workload) error {
	list, err := k.o.Client.AutoscalingV2().HorizontalPodAutoscalers(w.meta.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("%s: whether an autoscaler owns it: %w", w, err)
	}
	for i := range list.Items {
		ref := list.Items[i].Spec.ScaleTargetRef
		if ref.Kind == w.kind.Kind && ref.Name == w.meta.Name && groupOf(ref.APIVersion) == w.kind.Group {
			return fmt.Errorf("%s: HorizontalPodAutoscaler %s: %w", w, list.Items[i].Name, live.ErrOwned)
		}
	}
	return nil
}
