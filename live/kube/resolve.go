package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/scale-eval/scale-eval/live"
)

// serviceKind is the kind of targets that only name a service.
const serviceKind = "service"

// resolve finds the workload of a target and completes its namespace.
func (k *Orchestrator) resolve(ctx context.Context, t live.Target) (live.Target, error) {
	if strings.ToLower(t.Kind) == serviceKind {
		if named, ok := k.o.Services[t.Name]; ok {
			t = named
		} else {
			return k.discover(ctx, t)
		}
	}
	if t.Namespace == "" {
		t.Namespace = k.o.Namespace
	}
	return t, nil
}

// discover looks for the workload of a service and remembers it.
func (k *Orchestrator) discover(ctx context.Context, t live.Target) (live.Target, error) {
	if t.Namespace == "" {
		t.Namespace = k.o.Namespace
	}
	k.mu.Lock()
	known, ok := k.found[t.String()]
	k.mu.Unlock()
	if ok {
		return known, nil
	}
	all, err := k.workloads(ctx, t.Namespace)
	if err != nil {
		return live.Target{}, fmt.Errorf("%s: discovery: %w", t, err)
	}
	matches, err := k.candidates(ctx, t, all)
	if err != nil {
		return live.Target{}, fmt.Errorf("%s: discovery: %w", t, err)
	}
	if len(matches) != 1 {
		return live.Target{}, fmt.Errorf("%s: %w: want one workload, found %s", t, live.ErrNoTarget, names(matches))
	}
	found := live.Target{Kind: strings.ToLower(matches[0].kind.Kind), Namespace: matches[0].meta.Namespace, Name: matches[0].meta.Name}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.found[t.String()] = found
	return found, nil
}

// forget drops what discovery found: it is gone.
func (k *Orchestrator) forget(t live.Target) {
	if t.Namespace == "" {
		t.Namespace = k.o.Namespace
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.found, t.String())
}

func (k *Orchestrator) workloads(ctx context.Context, namespace string) ([]*workload, error) {
	d, err := deployments{k.o.Client.AppsV1().Deployments(namespace)}.list(ctx, k.o.Selector)
	if err != nil {
		return nil, err
	}
	s, err := statefulSets{k.o.Client.AppsV1().StatefulSets(namespace)}.list(ctx, k.o.Selector)
	return append(d, s...), err
}

// candidates are those that the first way finds: a label that names the service,
// the workload's own name, the selector of a Service of that name.
func (k *Orchestrator) candidates(ctx context.Context, t live.Target, all []*workload) ([]*workload, error) {
	for _, key := range k.o.ServiceLabels {
		if m := filter(all, func(w *workload) bool { return w.meta.Labels[key] == t.Name }); len(m) > 0 {
			return m, nil
		}
	}
	if m := filter(all, func(w *workload) bool { return w.meta.Name == t.Name }); len(m) > 0 {
		return m, nil
	}
	svc, err := k.o.Client.CoreV1().Services(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsInvalid(err) {
		return nil, nil
	}
	if err != nil || len(svc.Spec.Selector) == 0 {
		return nil, err
	}
	sel := labels.SelectorFromSet(svc.Spec.Selector)
	return filter(all, func(w *workload) bool { return w.template != nil && sel.Matches(labels.Set(w.template.Labels)) }), nil
}

func filter(all []*workload, keep func(*workload) bool) (out []*workload) {
	for _, w := range all {
		if keep(w) {
			out = append(out, w)
		}
	}
	return out
}

func names(list []*workload) string {
	if len(list) == 0 {
		return "none"
	}
	var out []string
	for _, w := range list {
		out = append(out, w.String())
	}
	slices.Sort(out)
	return strings.Join(out, " and ")
}
