// Package kubetest is the conformance suite of live/kube. It runs against whatever
// API server it is given, so that the fake clientset and a real one are held to the
// same behaviour.
package kubetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/kube"
)

// Server is one API server and an empty namespace in it.
type Server struct {
	Client    kubernetes.Interface
	Namespace string
}

// Run runs the suite. start gives each test a server with an empty namespace and
// cleans up after it through t.Cleanup.
func Run(t *testing.T, start func(t *testing.T) Server) {
	for name, test := range map[string]func(*testing.T, *env){
		"ScaleDeployment":    scaleDeployment,
		"ScaleStatefulSet":   scaleStatefulSet,
		"RepeatIsHarmless":   repeatIsHarmless,
		"ChangedBySomeone":   changedBySomeone,
		"OwnedByAutoscaler":  ownedByAutoscaler,
		"DryRun":             dryRun,
		"ResizeTemplate":     resizeTemplate,
		"ResizeKeepsUnset":   resizeKeepsUnset,
		"Discovery":          discovery,
		"DiscoveryAmbiguous": discoveryAmbiguous,
		"ExplicitMap":        explicitMap,
		"Selector":           selector,
		"Missing":            missing,
		"UnknownKind":        unknownKind,
		"Event":              event,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			test(t, &env{t: t, ctx: context.Background(), Server: s})
		})
	}
}

// env is what one test works with.
type env struct {
	Server
	t   *testing.T
	ctx context.Context
}

func (e *env) check(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) orchestrator(change func(*kube.Options)) *kube.Orchestrator {
	o := kube.Options{Client: e.Client, Namespace: e.Namespace, Resize: kube.ResizeTemplate}
	if change != nil {
		change(&o)
	}
	k, err := kube.New(o)
	e.check(err)
	return k
}

// deploy creates a Deployment with two containers, the first with all resources set,
// the second with none.
func (e *env) deploy(name string, replicas int32, labels map[string]string) live.Target {
	e.t.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: e.Namespace, Labels: labels}}
	d.Spec = appsv1.DeploymentSpec{Replicas: &replicas, Selector: podSelector(name), Template: podTemplate(name)}
	_, err := e.Client.AppsV1().Deployments(e.Namespace).Create(e.ctx, d, metav1.CreateOptions{})
	e.check(err)
	return live.Target{Kind: "deployment", Namespace: e.Namespace, Name: name}
}

func podSelector(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"pods-of": name}}
}

func podTemplate(name string) corev1.PodTemplateSpec {
	list := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"pods-of": name}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "server", Image: "none", Resources: corev1.ResourceRequirements{Requests: list("200m", "256Mi"), Limits: list("400m", "512Mi")}},
			{Name: "proxy", Image: "none"},
		}},
	}
}

// up is an action as the pipeline makes it.
func up(t live.Target, from, to int) live.Action {
	return live.Action{Target: t, Service: t.Name, Direction: live.Up, From: from, To: to, At: 1_700_000_000_000_000_000,
		Why: live.Why{Rule: "slow", Condition: "latency > 500ms, 3 times within 1m0s", Service: t.Name, Count: 5, Need: 3}}
}

func (e *env) replicas(name string) int32 {
	e.t.Helper()
	d, err := e.Client.AppsV1().Deployments(e.Namespace).Get(e.ctx, name, metav1.GetOptions{})
	e.check(err)
	return *d.Spec.Replicas
}

func (e *env) wantReplicas(name string, want int32) {
	e.t.Helper()
	if got := e.replicas(name); got != want {
		e.t.Errorf("%s has %d replicas, want %d", name, got, want)
	}
}

func (e *env) wantErr(err, is error, parts ...string) {
	e.t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) {
		e.t.Fatalf("error %v, want one that is %q", err, is)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			e.t.Errorf("error %q does not say %q", err, p)
		}
	}
}

func (e *env) autoscaler(name, kind, target string) {
	e.t.Helper()
	two := int32(2)
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: e.Namespace}}
	h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: kind, Name: target}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = &two, 9
	_, err := e.Client.AutoscalingV2().HorizontalPodAutoscalers(e.Namespace).Create(e.ctx, h, metav1.CreateOptions{})
	e.check(err)
}
