package kube

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/scale-eval/scale-eval/live"
)

// workload is what is needed of an object that can be scaled.
type workload struct {
	kind            schema.GroupVersionKind
	meta            metav1.ObjectMeta
	replicas, ready int
	rolling         bool // a template change is not everywhere yet
	selector        *metav1.LabelSelector
	template        *corev1.PodTemplateSpec // nil: none, or not where it usually is
}

// String is kind/namespace/name, as targets are written.
func (w *workload) String() string {
	return fmt.Sprintf("%s/%s/%s", strings.ToLower(w.kind.Kind), w.meta.Namespace, w.meta.Name)
}

// access reads and writes one kind in one namespace.
type access interface {
	get(ctx context.Context, name string) (*workload, error)
	list(ctx context.Context, selector string) ([]*workload, error)
	getScale(ctx context.Context, name string) (*autoscalingv1.Scale, error)
	updateScale(ctx context.Context, s *autoscalingv1.Scale, o metav1.UpdateOptions) error
	patch(ctx context.Context, name string, json []byte, o metav1.PatchOptions) error
}

// access is how a target's kind is reached.
func (k *Orchestrator) access(t live.Target) (access, error) {
	switch strings.ToLower(t.Kind) {
	case "deployment", "deployments", "deployments.apps":
		return deployments{k.o.Client.AppsV1().Deployments(t.Namespace)}, nil
	case "statefulset", "statefulsets", "statefulsets.apps":
		return statefulSets{k.o.Client.AppsV1().StatefulSets(t.Namespace)}, nil
	}
	if k.o.Dynamic == nil || k.o.Mapper == nil {
		return nil, fmt.Errorf("%s: %w: only deployments and statefulsets are known without a dynamic client and a mapper", t, live.ErrNoTarget)
	}
	gvr, err := k.o.Mapper.ResourceFor(schema.ParseGroupResource(strings.ToLower(t.Kind)).WithVersion(""))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", t, live.ErrNoTarget, err)
	}
	gvk, err := k.o.Mapper.KindFor(gvr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return anyKind{k.o.Dynamic.Resource(gvr).Namespace(t.Namespace), gvk}, nil
}

type deployments struct {
	c appsclient.DeploymentInterface
}

func (d deployments) get(ctx context.Context, name string) (*workload, error) {
	o, err := d.c.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return ofDeployment(o), nil
}

func ofDeployment(o *appsv1.Deployment) *workload {
	return &workload{appsv1.SchemeGroupVersion.WithKind("Deployment"), o.ObjectMeta, orOne(o.Spec.Replicas), int(o.Status.ReadyReplicas), deploymentRolls(o), o.Spec.Selector, &o.Spec.Template}
}

// deploymentRolls says that its controller has not seen the last change yet, or that
// pods of an older template are there. Without an observed generation no controller
// runs that would tell.
func deploymentRolls(o *appsv1.Deployment) bool {
	s := &o.Status
	return s.ObservedGeneration > 0 && (s.ObservedGeneration < o.Generation || s.UpdatedReplicas < s.Replicas)
}

// statefulSetRolls is deploymentRolls for one that replaces its pods itself.
func statefulSetRolls(o *appsv1.StatefulSet) bool {
	s := &o.Status
	byHand := o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	return s.ObservedGeneration > 0 && (s.ObservedGeneration < o.Generation || !byHand && s.UpdateRevision != s.CurrentRevision)
}

// orOne is the API's default.
func orOne(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

func (d deployments) list(ctx context.Context, selector string) ([]*workload, error) {
	l, err := d.c.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var out []*workload
	for i := range l.Items {
		out = append(out, ofDeployment(&l.Items[i]))
	}
	return out, nil
}

func (d deployments) getScale(ctx context.Context, name string) (*autoscalingv1.Scale, error) {
	return d.c.GetScale(ctx, name, metav1.GetOptions{})
}

func (d deployments) updateScale(ctx context.Context, s *autoscalingv1.Scale, o metav1.UpdateOptions) error {
	_, err := d.c.UpdateScale(ctx, s.Name, s, o)
	return err
}

func (d deployments) patch(ctx context.Context, name string, json []byte, o metav1.PatchOptions) error {
	_, err := d.c.Patch(ctx, name, types.JSONPatchType, json, o)
	return err
}

type statefulSets struct {
	c appsclient.StatefulSetInterface
}

func (s statefulSets) get(ctx context.Context, name string) (*workload, error) {
	o, err := s.c.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return ofStatefulSet(o), nil
}

func ofStatefulSet(o *appsv1.StatefulSet) *workload {
	return &workload{appsv1.SchemeGroupVersion.WithKind("StatefulSet"), o.ObjectMeta, orOne(o.Spec.Replicas), int(o.Status.ReadyReplicas), statefulSetRolls(o), o.Spec.Selector, &o.Spec.Template}
}

func (s statefulSets) list(ctx context.Context, selector string) ([]*workload, error) {
	l, err := s.c.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var out []*workload
	for i := range l.Items {
		out = append(out, ofStatefulSet(&l.Items[i]))
	}
	return out, nil
}

func (s statefulSets) getScale(ctx context.Context, name string) (*autoscalingv1.Scale, error) {
	return s.c.GetScale(ctx, name, metav1.GetOptions{})
}

func (s statefulSets) updateScale(ctx context.Context, sc *autoscalingv1.Scale, o metav1.UpdateOptions) error {
	_, err := s.c.UpdateScale(ctx, sc.Name, sc, o)
	return err
}

func (s statefulSets) patch(ctx context.Context, name string, json []byte, o metav1.PatchOptions) error {
	_, err := s.c.Patch(ctx, name, types.JSONPatchType, json, o)
	return err
}

// anyKind is any kind with a scale subresource.
type anyKind struct {
	c    dynamic.ResourceInterface
	kind schema.GroupVersionKind
}

func (a anyKind) get(ctx context.Context, name string) (*workload, error) {
	u, err := a.c.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	s, err := a.getScale(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("its scale subresource: %w", err)
	}
	return a.of(u, int(s.Spec.Replicas)), nil
}

// of takes from the object what is where workloads usually have it.
func (a anyKind) of(u *unstructured.Unstructured, replicas int) *workload {
	var o struct {
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Selector *metav1.LabelSelector   `json:"selector"`
			Template *corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
		Status struct {
			ReadyReplicas int `json:"readyReplicas"`
		} `json:"status"`
	}
	w := &workload{kind: a.kind, replicas: replicas}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &o); err != nil {
		// Another shape than a workload's: it can be scaled, not resized.
		w.meta = metav1.ObjectMeta{Name: u.GetName(), Namespace: u.GetNamespace(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(), Labels: u.GetLabels()}
		return w
	}
	w.meta, w.ready, w.selector, w.template = o.ObjectMeta, o.Status.ReadyReplicas, o.Spec.Selector, o.Spec.Template
	return w
}

func (a anyKind) list(ctx context.Context, selector string) ([]*workload, error) {
	l, err := a.c.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var out []*workload
	for i := range l.Items {
		out = append(out, a.of(&l.Items[i], 0))
	}
	return out, nil
}

func (a anyKind) getScale(ctx context.Context, name string) (*autoscalingv1.Scale, error) {
	u, err := a.c.Get(ctx, name, metav1.GetOptions{}, "scale")
	if err != nil {
		return nil, err
	}
	s := &autoscalingv1.Scale{}
	return s, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, s)
}

func (a anyKind) updateScale(ctx context.Context, s *autoscalingv1.Scale, o metav1.UpdateOptions) error {
	s.APIVersion, s.Kind = autoscalingv1.SchemeGroupVersion.String(), "Scale"
	obj, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
	if err != nil {
		return err
	}
	_, err = a.c.Update(ctx, &unstructured.Unstructured{Object: obj}, o, "scale")
	return err
}

func (a anyKind) patch(ctx context.Context, name string, json []byte, o metav1.PatchOptions) error {
	_, err := a.c.Patch(ctx, name, types.JSONPatchType, json, o)
	return err
}

func groupOf(apiVersion string) string {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return apiVersion
	}
	return gv.Group
}
