package kubetest

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/kube"
)

func scaleDeployment(t *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	s, err := k.Current(e.ctx, target)
	e.check(err)
	if s.Replicas != 3 || len(s.Resources) != 4 || s.Resources[0] != (live.ResourceState{Container: "server", Resource: live.CPU, Request: 200, Limit: 400}) {
		t.Errorf("current %+v", s)
	}
	e.check(k.Scale(e.ctx, up(target, 3, 5)))
	e.wantReplicas("cart", 5)
	down := up(target, 5, 2)
	down.Direction = live.Down
	e.check(k.Scale(e.ctx, down))
	e.wantReplicas("cart", 2)
}

func scaleStatefulSet(t *testing.T, e *env) {
	one := int32(1)
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: e.Namespace}}
	s.Spec = appsv1.StatefulSetSpec{Replicas: &one, ServiceName: "db", Selector: podSelector("db"), Template: podTemplate("db")}
	_, err := e.Client.AppsV1().StatefulSets(e.Namespace).Create(e.ctx, s, metav1.CreateOptions{})
	e.check(err)
	k, target := e.orchestrator(nil), live.Target{Kind: "statefulset", Namespace: e.Namespace, Name: "db"}
	e.check(k.Scale(e.ctx, up(target, 1, 4)))
	cur, err := k.Current(e.ctx, target)
	e.check(err)
	if cur.Replicas != 4 {
		t.Errorf("%d replicas", cur.Replicas)
	}
}

func repeatIsHarmless(_ *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	e.check(k.Scale(e.ctx, up(target, 3, 5)))
	e.check(k.Scale(e.ctx, up(target, 3, 5)))
	e.wantReplicas("cart", 5)
}

func changedBySomeone(_ *testing.T, e *env) {
	target, k := e.deploy("cart", 7, nil), e.orchestrator(nil)
	e.wantErr(k.Scale(e.ctx, up(target, 3, 5)), kube.ErrChanged, "from 3 to 7")
	e.wantReplicas("cart", 7)
}

func ownedByAutoscaler(_ *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	e.autoscaler("cart-hpa", "Deployment", "cart")
	e.wantErr(k.Scale(e.ctx, up(target, 3, 5)), live.ErrOwned, "cart-hpa")
	e.wantReplicas("cart", 3)
	// One of another kind with the same name owns something else.
	other := e.deploy("web", 3, nil)
	e.autoscaler("web-hpa", "StatefulSet", "web")
	e.check(k.Scale(e.ctx, up(other, 3, 4)))
}

func dryRun(t *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	a := up(target, 3, 5)
	a.DryRun = true
	e.check(k.Scale(e.ctx, a))
	e.wantReplicas("cart", 3)
	a = resizeAction(target)
	a.DryRun = true
	e.check(k.Scale(e.ctx, a))
	s, err := k.Current(e.ctx, target)
	e.check(err)
	if s.Resources[0].Request != 200 {
		t.Errorf("a dry run changed %+v", s.Resources[0])
	}
	l, err := e.Client.CoreV1().Events(e.Namespace).List(e.ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=cart"})
	e.check(err)
	for _, ev := range l.Items {
		if ev.Source.Component == kube.FieldManager {
			t.Errorf("a dry run made the event %s", ev.Reason)
		}
	}
}

func resizeAction(t live.Target) live.Action {
	a := up(t, 0, 0)
	a.Kind = live.Vertical
	a.Changes = []live.ResourceChange{
		{Container: "server", Resource: live.CPU, From: 200, To: 300},
		{Container: "server", Resource: live.CPU, Limit: true, From: 400, To: 600},
		{Container: "server", Resource: live.Memory, Limit: true, From: 512 << 20, To: 768 << 20},
	}
	return a
}

func resizeTemplate(t *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	e.check(k.Scale(e.ctx, resizeAction(target)))
	s, err := k.Current(e.ctx, target)
	e.check(err)
	want := []live.ResourceState{
		{Container: "server", Resource: live.CPU, Request: 300, Limit: 600},
		{Container: "server", Resource: live.Memory, Request: 256 << 20, Limit: 768 << 20},
	}
	for i, w := range want {
		if s.Resources[i] != w {
			t.Errorf("%+v, want %+v", s.Resources[i], w)
		}
	}
}

func resizeKeepsUnset(t *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	a := resizeAction(target)
	for i := range a.Changes {
		a.Changes[i].Container = "proxy"
	}
	e.check(k.Scale(e.ctx, a))
	s, err := k.Current(e.ctx, target)
	e.check(err)
	if s.Resources[2].Request != 0 || s.Resources[2].Limit != 0 {
		t.Errorf("a container without resources was given some: %+v", s.Resources[2])
	}
	a.Changes[0].Container = "nobody"
	e.wantErr(k.Scale(e.ctx, a), nil, `no container "nobody"`)
}

func discovery(_ *testing.T, e *env) {
	e.deploy("cart-v2", 1, map[string]string{"app.kubernetes.io/name": "cartservice"})
	e.deploy("web", 1, nil)
	e.deploy("backend", 1, nil)
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: e.Namespace}}
	svc.Spec.Selector = map[string]string{"pods-of": "backend"}
	svc.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	_, err := e.Client.CoreV1().Services(e.Namespace).Create(e.ctx, svc, metav1.CreateOptions{})
	e.check(err)
	k := e.orchestrator(nil)
	for service, deployment := range map[string]string{"cartservice": "cart-v2", "web": "web", "api": "backend"} {
		e.check(k.Scale(e.ctx, up(live.Target{Kind: "service", Name: service}, 1, 2)))
		e.wantReplicas(deployment, 2)
	}
	e.wantErr(k.Scale(e.ctx, up(live.Target{Kind: "service", Name: "nobody"}, 1, 2)), live.ErrNoTarget, "found none")
}

func discoveryAmbiguous(_ *testing.T, e *env) {
	e.deploy("cart-blue", 1, map[string]string{"app": "cart"})
	e.deploy("cart-green", 1, map[string]string{"app": "cart"})
	k := e.orchestrator(nil)
	e.wantErr(k.Scale(e.ctx, up(live.Target{Kind: "service", Name: "cart"}, 1, 2)), live.ErrNoTarget, "cart-blue", "cart-green")
	e.wantReplicas("cart-blue", 1)
}

func explicitMap(_ *testing.T, e *env) {
	e.deploy("cart", 1, nil)
	e.deploy("legacy", 1, nil)
	k := e.orchestrator(func(o *kube.Options) {
		o.Services = map[string]live.Target{"cart": {Kind: "deployment", Name: "legacy"}}
	})
	e.check(k.Scale(e.ctx, up(live.Target{Kind: "service", Name: "cart"}, 1, 2)))
	e.wantReplicas("legacy", 2)
	e.wantReplicas("cart", 1)
}

func selector(_ *testing.T, e *env) {
	managed := e.deploy("cart", 1, map[string]string{"scale": "yes"})
	other := e.deploy("web", 1, nil)
	k := e.orchestrator(func(o *kube.Options) { o.Selector = "scale=yes" })
	e.check(k.Scale(e.ctx, up(managed, 1, 2)))
	e.wantErr(k.Scale(e.ctx, up(other, 1, 2)), kube.ErrNotSelected)
	e.wantErr(k.Scale(e.ctx, up(live.Target{Kind: "service", Name: "web"}, 1, 2)), live.ErrNoTarget)
	e.wantReplicas("web", 1)
}

func missing(_ *testing.T, e *env) {
	k := e.orchestrator(nil)
	_, err := k.Current(e.ctx, live.Target{Kind: "deployment", Namespace: e.Namespace, Name: "nobody"})
	e.wantErr(err, live.ErrNoTarget, "nobody")
}

func unknownKind(_ *testing.T, e *env) {
	k := e.orchestrator(nil)
	_, err := k.Current(e.ctx, live.Target{Kind: "rollouts.argoproj.io", Namespace: e.Namespace, Name: "x"})
	e.wantErr(err, live.ErrNoTarget)
}

func event(t *testing.T, e *env) {
	target, k := e.deploy("cart", 3, nil), e.orchestrator(nil)
	a := up(target, 3, 5)
	a.Why.Notes = []string{strings.Repeat("é", 2000)}
	e.check(k.Scale(e.ctx, a))
	l, err := e.Client.CoreV1().Events(e.Namespace).List(e.ctx, metav1.ListOptions{})
	e.check(err)
	found := false
	for _, ev := range l.Items {
		if ev.Reason == "ScaledUp" && ev.InvolvedObject.Name == "cart" && ev.InvolvedObject.Kind == "Deployment" {
			found = strings.Contains(ev.Message, "3 -> 5: rule slow") && len(ev.Message) <= 1024
		}
	}
	if n, err := k.EventErrors(); !found || n != 0 {
		t.Errorf("no event says what was done and why: %v; %d could not be made: %v", l.Items, n, err)
	}
}
