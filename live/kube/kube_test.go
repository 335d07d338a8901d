package kube_test

import (
	"context"
	"errors"
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	discoveryfake "k8s.io/client-go/discovery/fake"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/kube"
	"github.com/scale-eval/scale-eval/live/kube/kubefake"
	"github.com/scale-eval/scale-eval/live/kube/kubetest"
)

func TestFakeServer(t *testing.T) {
	kubetest.Run(t, func(*testing.T) kubetest.Server {
		return kubetest.Server{Client: kubefake.New(), Namespace: "shop"}
	})
}

// TestRealServer is the same suite on a real API server.
func TestRealServer(t *testing.T) {
	kubeconfig := os.Getenv("SCALE_EVAL_KUBECONFIG")
	if kubeconfig == "" {
		t.Skip("set SCALE_EVAL_KUBECONFIG to the kubeconfig file of a server on which namespaces may be made and deleted")
	}
	kubetest.Run(t, kubetest.Real(t, kubeconfig))
}

func deployment(name string, replicas int32) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}}
	d.Spec.Replicas = &replicas
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d.Spec.Template.Labels = d.Spec.Selector.MatchLabels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Resources: resources("100m")}}
	return d
}

func resources(cpu string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}
}

var cart = live.Target{Kind: "deployment", Namespace: "shop", Name: "cart"}

// TestConflictIsRetried: twice the server says that the version is stale; the third
// write goes through. A conflict that never ends is reported.
func TestConflictIsRetried(t *testing.T) {
	c := kubefake.New(deployment("cart", 3))
	left, writes := 2, 0
	c.PrependReactor("update", "deployments/scale", func(k8stesting.Action) (bool, runtime.Object, error) {
		writes++
		if left == 0 {
			return false, nil, nil
		}
		left--
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "cart", errors.New("stale"))
	})
	k, err := kube.New(kube.Options{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	a := live.Action{Target: cart, Direction: live.Up, From: 3, To: 4}
	if err := k.Scale(context.Background(), a); err != nil || writes != 3 {
		t.Fatalf("%d writes, %v", writes, err)
	}
	left = 1000
	a.From, a.To = 4, 5
	if err := k.Scale(context.Background(), a); !apierrors.IsConflict(err) {
		t.Errorf("an endless conflict: %v", err)
	}
}

// TestStaleVersionIsSeen: somebody scales between our read and our write. The retry
// must not carry out a decision that was made from another count.
func TestStaleVersionIsSeen(t *testing.T) {
	c := kubefake.New(deployment("cart", 3))
	raced := false
	c.PrependReactor("update", "deployments/scale", func(a k8stesting.Action) (bool, runtime.Object, error) {
		if raced {
			return false, nil, nil
		}
		raced = true
		// Straight into the tracker: a reactor that uses the clientset waits for itself.
		d := deployment("cart", 8)
		d.ResourceVersion = "2"
		if err := c.Tracker().Update(a.GetResource(), d, "shop"); err != nil {
			return true, nil, err
		}
		return false, nil, nil
	})
	k, err := kube.New(kube.Options{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Scale(context.Background(), live.Action{Target: cart, Direction: live.Up, From: 3, To: 4}); !errors.Is(err, kube.ErrChanged) {
		t.Errorf("got %v", err)
	}
	if s, err := k.Current(context.Background(), cart); err != nil || s.Replicas != 8 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestResizeInPlace: where the server has pods/resize the pods change, the template
// does not, and Current tells what runs.
func TestResizeInPlace(t *testing.T) {
	pod := func(name string, phase corev1.PodPhase) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: map[string]string{"app": "cart"}}}
		p.Spec.Containers = []corev1.Container{{Name: "main", Resources: resources("100m")}}
		p.Status.Phase = phase
		return p
	}
	c := kubefake.New(deployment("cart", 2), pod("cart-1", corev1.PodRunning), pod("cart-2", corev1.PodRunning), pod("cart-0", corev1.PodFailed))
	c.Discovery().(*discoveryfake.FakeDiscovery).Resources = []*metav1.APIResourceList{{
		GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods"}, {Name: "pods/resize"}},
	}}
	k, err := kube.New(kube.Options{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	a := live.Action{Target: cart, Kind: live.Vertical, Direction: live.Up, Changes: []live.ResourceChange{{Container: "main", Resource: live.CPU, From: 100, To: 250}}}
	if err := k.Scale(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	for _, act := range c.Actions() {
		if p, ok := act.(k8stesting.PatchAction); ok && (p.GetSubresource() != "resize" || p.GetName() == "cart-0") {
			t.Errorf("patched %s/%s %s", p.GetResource().Resource, p.GetSubresource(), p.GetName())
		}
	}
	s, err := k.Current(context.Background(), cart)
	if err != nil || s.Resources[0].Request != 250 {
		t.Errorf("current %+v %v", s, err)
	}
	d, err := c.AppsV1().Deployments("shop").Get(context.Background(), "cart", metav1.GetOptions{})
	if err != nil || d.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().MilliValue() != 100 {
		t.Errorf("the template changed: %v", err)
	}
}

// TestAnyKind scales a custom resource through the dynamic client.
func TestAnyKind(t *testing.T) {
	gvr := schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
	gvk := gvr.GroupVersion().WithKind("Rollout")
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
		"metadata": map[string]any{"name": "cart", "namespace": "shop", "uid": "7"},
		"spec": map[string]any{"replicas": int64(2), "template": map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": "main", "resources": map[string]any{"limits": map[string]any{"memory": "1Gi"}}}}}}},
	}}
	dyn := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{gvr: "RolloutList"}, u)
	replicas := int64(2)
	dyn.PrependReactor("get", "rollouts/scale", func(k8stesting.Action) (bool, runtime.Object, error) {
		s := &autoscalingv1.Scale{TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"}, ObjectMeta: metav1.ObjectMeta{Name: "cart", Namespace: "shop"}}
		s.Spec.Replicas = int32(replicas)
		o, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
		return true, &unstructured.Unstructured{Object: o}, err
	})
	dyn.PrependReactor("update", "rollouts/scale", func(a k8stesting.Action) (bool, runtime.Object, error) {
		o := a.(k8stesting.UpdateAction).GetObject().(*unstructured.Unstructured)
		n, _, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
		replicas = n
		return true, o, err
	})
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{gvr.GroupVersion()})
	mapper.Add(gvk, meta.RESTScopeNamespace)
	k, err := kube.New(kube.Options{Client: kubefake.New(), Dynamic: dyn, Mapper: mapper, Resize: kube.ResizeTemplate})
	if err != nil {
		t.Fatal(err)
	}
	target := live.Target{Kind: "rollouts.argoproj.io", Namespace: "shop", Name: "cart"}
	if err := k.Scale(context.Background(), live.Action{Target: target, Direction: live.Up, From: 2, To: 6}); err != nil {
		t.Fatal(err)
	}
	s, err := k.Current(context.Background(), target)
	if err != nil || s.Replicas != 6 || s.Resources[1].Limit != 1<<30 {
		t.Errorf("current %+v %v", s, err)
	}
	resize := live.Action{Target: target, Kind: live.Vertical, Direction: live.Up,
		Changes: []live.ResourceChange{{Container: "main", Resource: live.Memory, Limit: true, From: 1 << 30, To: 2 << 30}}}
	if err := k.Scale(context.Background(), resize); err != nil {
		t.Fatal(err)
	}
	if s, err := k.Current(context.Background(), target); err != nil || s.Resources[1].Limit != 2<<30 {
		t.Errorf("after the resize %+v %v", s, err)
	}
	if _, err := k.Current(context.Background(), live.Target{Kind: "widgets", Name: "x"}); !errors.Is(err, live.ErrNoTarget) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// TestEventErrorsFailNothing: a server that takes no Events still scales.
func TestEventErrorsFailNothing(t *testing.T) {
	c := kubefake.New(deployment("cart", 3))
	c.PrependReactor("create", "events", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("forbidden")
	})
	k, err := kube.New(kube.Options{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Scale(context.Background(), live.Action{Target: cart, Direction: live.Up, From: 3, To: 4}); err != nil {
		t.Fatal(err)
	}
	if n, err := k.EventErrors(); n != 1 || err == nil {
		t.Errorf("%d event errors, %v", n, err)
	}
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]kube.Options{"no client": {}, "selector": {Client: kubefake.New(), Selector: "a in ("}} {
		if _, err := kube.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestTimeoutIsNoSuccess: a write that ran into its deadline is an error, at once and
// after a conflict.
func TestTimeoutIsNoSuccess(t *testing.T) {
	for _, conflicts := range []int{0, 1} {
		c := kubefake.New(deployment("cart", 3))
		c.PrependReactor("update", "deployments/scale", func(k8stesting.Action) (bool, runtime.Object, error) {
			if conflicts > 0 {
				conflicts--
				return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "cart", errors.New("stale"))
			}
			return true, nil, context.DeadlineExceeded
		})
		o, err := kube.New(kube.Options{Client: c})
		if err != nil {
			t.Fatal(err)
		}
		err = o.Scale(t.Context(), live.Action{Target: cart, Direction: live.Up, From: 3, To: 5})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want %v", err, context.DeadlineExceeded)
		}
	}
}
