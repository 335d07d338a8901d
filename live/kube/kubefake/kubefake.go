// Package kubefake makes client-go's fake clientset behave like a server where the
// orchestrator needs it to: the scale subresource reads and writes the workload, a
// stale resource version is a conflict, pods/resize resizes, and a dry run stores
// nothing. Without it the fake's GetScale panics and UpdateScale stores a Scale over
// the Deployment.
package kubefake

import (
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/testing"
)

// New is a fake clientset that holds objects. Objects without a resource version
// get "1", and every scale and patch counts it up.
func New(objects ...runtime.Object) *fake.Clientset {
	for _, o := range objects {
		if m, err := meta.Accessor(o); err == nil && m.GetResourceVersion() == "" {
			m.SetResourceVersion("1")
		}
	}
	// NewClientset costs milliseconds a write, this one microseconds.
	c := fake.NewSimpleClientset(objects...)
	t := c.Tracker()
	for _, r := range []string{"deployments", "statefulsets"} {
		c.PrependReactor("get", r+"/scale", func(a testing.Action) (bool, runtime.Object, error) { return getScale(t, a) })
		c.PrependReactor("update", r+"/scale", func(a testing.Action) (bool, runtime.Object, error) { return updateScale(t, a) })
	}
	c.PrependReactor("patch", "*", func(a testing.Action) (bool, runtime.Object, error) { return patch(t, a) })
	return c
}

func getScale(t testing.ObjectTracker, a testing.Action) (bool, runtime.Object, error) {
	o, err := t.Get(a.GetResource(), a.GetNamespace(), a.(testing.GetAction).GetName())
	if err != nil {
		return true, nil, err
	}
	s, err := scaleOf(o)
	return true, s, err
}

func scaleOf(o runtime.Object) (*autoscalingv1.Scale, error) {
	s := &autoscalingv1.Scale{}
	switch w := o.(type) {
	case *appsv1.Deployment:
		s.ObjectMeta, s.Status.Replicas = scaleMeta(w.ObjectMeta), w.Status.Replicas
		s.Spec.Replicas = orOne(w.Spec.Replicas)
	case *appsv1.StatefulSet:
		s.ObjectMeta, s.Status.Replicas = scaleMeta(w.ObjectMeta), w.Status.Replicas
		s.Spec.Replicas = orOne(w.Spec.Replicas)
	default:
		return nil, fmt.Errorf("%T has no scale subresource", o)
	}
	return s, nil
}

func scaleMeta(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion}
}

func orOne(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func updateScale(t testing.ObjectTracker, a testing.Action) (bool, runtime.Object, error) {
	u := a.(testing.UpdateActionImpl)
	s := u.GetObject().(*autoscalingv1.Scale)
	o, err := t.Get(a.GetResource(), a.GetNamespace(), s.Name)
	if err != nil {
		return true, nil, err
	}
	o = o.DeepCopyObject()
	m, err := meta.Accessor(o)
	if err != nil {
		return true, nil, err
	}
	if v := s.ResourceVersion; v != "" && v != m.GetResourceVersion() {
		return true, nil, apierrors.NewConflict(a.GetResource().GroupResource(), s.Name, fmt.Errorf("version %s is not %s", v, m.GetResourceVersion()))
	}
	n := s.Spec.Replicas
	switch w := o.(type) {
	case *appsv1.Deployment:
		w.Spec.Replicas = &n
	case *appsv1.StatefulSet:
		w.Spec.Replicas = &n
	}
	if len(u.UpdateOptions.DryRun) == 0 {
		bump(m)
		if err := t.Update(a.GetResource(), o, a.GetNamespace()); err != nil {
			return true, nil, err
		}
	}
	out, err := scaleOf(o)
	return true, out, err
}

// patch carries out a JSON patch; one whose test fails is a conflict, as on a server.
func patch(t testing.ObjectTracker, a testing.Action) (bool, runtime.Object, error) {
	p := a.(testing.PatchActionImpl)
	before, err := t.Get(a.GetResource(), a.GetNamespace(), p.GetName())
	if err != nil {
		return true, nil, err
	}
	before = before.DeepCopyObject()
	_, after, err := testing.ObjectReaction(t)(a)
	if err != nil {
		return true, nil, apierrors.NewConflict(a.GetResource().GroupResource(), p.GetName(), err)
	}
	if len(p.PatchOptions.DryRun) > 0 {
		return true, after, t.Update(a.GetResource(), before, a.GetNamespace())
	}
	after = after.DeepCopyObject()
	m, err := meta.Accessor(after)
	if err != nil {
		return true, nil, err
	}
	bump(m)
	return true, after, t.Update(a.GetResource(), after, a.GetNamespace())
}

func bump(m metav1.Object) {
	n, err := strconv.ParseInt(m.GetResourceVersion(), 10, 64)
	if err != nil {
		n = 0
	}
	m.SetResourceVersion(strconv.FormatInt(n+1, 10))
}
