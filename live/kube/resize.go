package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/scale-eval/scale-eval/live"
)

var resourceNames = [2]corev1.ResourceName{live.CPU: corev1.ResourceCPU, live.Memory: corev1.ResourceMemory}

// amount is a quantity in the unit of live: milli-cores or bytes; 0: not set.
func amount(l corev1.ResourceList, r live.Resource) int64 {
	q, ok := l[resourceNames[r]]
	switch {
	case !ok:
		return 0
	case r == live.CPU:
		return q.MilliValue()
	}
	return q.Value()
}

func quantity(r live.Resource, v int64) string {
	if r == live.CPU {
		return resource.NewMilliQuantity(v, resource.DecimalSI).String()
	}
	return resource.NewQuantity(v, resource.BinarySI).String()
}

// templateResources is what the pod template asks for.
func templateResources(w *workload) (out []live.ResourceState) {
	if w.template == nil {
		return nil
	}
	for _, c := range w.template.Spec.Containers {
		for _, r := range []live.Resource{live.CPU, live.Memory} {
			out = append(out, live.ResourceState{Container: c.Name, Resource: r, Request: amount(c.Resources.Requests, r), Limit: amount(c.Resources.Limits, r)})
		}
	}
	return out
}

// resizesInPlace says whether pods are resized where they run. The server is asked
// once, and again after an error.
func (k *Orchestrator) resizesInPlace(ctx context.Context) bool {
	if k.o.Resize != ResizeAuto {
		return k.o.Resize == ResizeInPlace
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.inPlace == nil {
		l, err := k.o.Client.Discovery().ServerResourcesForGroupVersion("v1")
		if err != nil {
			return false
		}
		has := slices.ContainsFunc(l.APIResources, func(r metav1.APIResource) bool { return r.Name == "pods/resize" })
		k.inPlace = &has
	}
	return *k.inPlace
}

// pods are those of the workload that are not on their way out.
func (k *Orchestrator) pods(ctx context.Context, w *workload) ([]corev1.Pod, error) {
	if w.selector == nil {
		return nil, nil
	}
	sel, err := metav1.LabelSelectorAsSelector(w.selector)
	if err != nil {
		return nil, err
	}
	l, err := k.o.Client.CoreV1().Pods(w.meta.Namespace).List(ctx, metav1.ListOptions{LabelSelector: sel.String()})
	if err != nil {
		return nil, fmt.Errorf("its pods: %w", err)
	}
	return slices.DeleteFunc(l.Items, func(p corev1.Pod) bool {
		return p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	}), nil
}

// raiseToPods raises what the template says to the most that a pod has.
func (k *Orchestrator) raiseToPods(ctx context.Context, _ access, w *workload, out []live.ResourceState) error {
	pods, err := k.pods(ctx, w)
	if err != nil {
		return err
	}
	for _, p := range pods {
		for _, c := range p.Spec.Containers {
			for i := range out {
				if r := &out[i]; r.Container == c.Name {
					r.Request = max(r.Request, amount(c.Resources.Requests, r.Resource))
					r.Limit = max(r.Limit, amount(c.Resources.Limits, r.Resource))
				}
			}
		}
	}
	return nil
}

// resources carries out a vertical action.
func (k *Orchestrator) resources(ctx context.Context, a *live.Action, acc access, w *workload) error {
	if len(a.Changes) == 0 {
		return errors.New("no change of resources was given")
	}
	if w.template == nil {
		return errors.New("it has no pod template at spec.template")
	}
	o := metav1.PatchOptions{FieldManager: FieldManager, DryRun: dryRun(a)}
	if k.resizesInPlace(ctx) {
		return k.resizePods(ctx, a, w, o)
	}
	return k.onConflict(func() error {
		fresh, err := acc.get(ctx, w.meta.Name)
		if err != nil {
			return err
		}
		ops, err := patchOps("/spec/template/spec", fresh.template.Spec.Containers, a.Changes, fresh.meta.ResourceVersion)
		if err != nil || ops == nil {
			return err
		}
		return acc.patch(ctx, w.meta.Name, ops, o)
	})
}

// resizePods resizes every pod. What one refuses does not keep the others from it.
func (k *Orchestrator) resizePods(ctx context.Context, a *live.Action, w *workload, o metav1.PatchOptions) error {
	pods, err := k.pods(ctx, w)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return errors.New("it has no pods to resize in place")
	}
	var errs []error
	for i := range pods {
		if err := k.resizePod(ctx, a, &pods[i], o); err != nil {
			errs = append(errs, fmt.Errorf("pod %s: %w", pods[i].Name, err))
		}
	}
	return errors.Join(errs...)
}

func (k *Orchestrator) resizePod(ctx context.Context, a *live.Action, p *corev1.Pod, o metav1.PatchOptions) error {
	client := k.o.Client.CoreV1().Pods(p.Namespace)
	return k.onConflict(func() error {
		fresh, err := client.Get(ctx, p.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil // it went away: nothing to resize
		}
		if err != nil {
			return err
		}
		ops, err := patchOps("/spec", fresh.Spec.Containers, a.Changes, fresh.ResourceVersion)
		if err != nil || ops == nil {
			return err
		}
		_, err = client.Patch(ctx, p.Name, types.JSONPatchType, ops, o, "resize")
		return err
	})
}

// patchOp is one operation of a JSON patch (RFC 6902).
type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

// patchOps changes what is set and differs, provided that the object is still of
// the version. nil: nothing differs. A JSON patch works on every kind, a strategic
// merge only on built-in ones.
func patchOps(base string, containers []corev1.Container, changes []live.ResourceChange, version string) ([]byte, error) {
	var ops []patchOp
	if version != "" {
		// Not a "test", which the server refuses with 422 as if the patch were bad: a
		// version that is not the present one is a conflict, 409, and tried again.
		ops = append(ops, patchOp{"replace", "/metadata/resourceVersion", version})
	}
	guards := len(ops)
	for _, ch := range changes {
		i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == ch.Container || ch.Container == "" })
		if i < 0 {
			return nil, fmt.Errorf("it has no container %q", ch.Container)
		}
		list, where := containers[i].Resources.Requests, "requests"
		if ch.Limit {
			list, where = containers[i].Resources.Limits, "limits"
		}
		if have := amount(list, ch.Resource); have == 0 || have == ch.To {
			continue // never set what was not set
		}
		path := fmt.Sprintf("%s/containers/%d/resources/%s/%s", base, i, where, resourceNames[ch.Resource])
		ops = append(ops, patchOp{"replace", path, quantity(ch.Resource, ch.To)})
	}
	if len(ops) == guards {
		return nil, nil
	}
	return json.Marshal(ops)
}

// reason is the Event's reason.
func reason(a *live.Action) string {
	if a.Kind == live.Vertical {
		return "Resized" + strings.ToUpper(a.Direction.String()[:1]) + a.Direction.String()[1:]
	}
	if a.Direction == live.Up {
		return "ScaledUp"
	}
	return "ScaledDown"
}
