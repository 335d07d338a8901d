package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/scale-eval/scale-eval/sim"
	"github.com/scale-eval/scale-eval/sim/policy"
)

// Autoscale lets an autoscaler run a service through the API, deciding first at time
// from, ns, on what the metrics server knows.
func (c *Cluster) Autoscale(m *sim.MetricsServer, service string, a policy.Autoscaler, from int64) {
	m.AutoscaleBy(service, a, from, c.decided)
}

// decided writes what an autoscaler wants, as the controllers do: the scale
// subresource for replicas, a patch of the pod template for requests and limits.
func (c *Cluster) decided(service string, d policy.Decision) {
	c.Failed(c.Scale(context.Background(), service, int(d.Replicas)))
	if r := c.sys.Wanted(service, d); r != (sim.Resources{}) {
		c.Failed(c.Resize(context.Background(), service, r))
	}
}

func (c *Cluster) workload(service string) (*workload, error) {
	for _, w := range c.workloads {
		if w.name == service {
			return w, nil
		}
	}
	return nil, fmt.Errorf("no workload %q", service)
}

// scaler is the scale subresource of either kind.
type scaler interface {
	GetScale(ctx context.Context, name string, o metav1.GetOptions) (*autoscalingv1.Scale, error)
	UpdateScale(ctx context.Context, name string, s *autoscalingv1.Scale, o metav1.UpdateOptions) (*autoscalingv1.Scale, error)
}

// Scale writes the replicas of a service.
func (c *Cluster) Scale(ctx context.Context, service string, replicas int) error {
	w, err := c.workload(service)
	if err != nil {
		return err
	}
	var api scaler = c.client.AppsV1().Deployments(Namespace)
	if w.stateful {
		api = c.client.AppsV1().StatefulSets(Namespace)
	}
	s, err := api.GetScale(ctx, service, metav1.GetOptions{})
	if err != nil || int(s.Spec.Replicas) == replicas {
		return err
	}
	s.Spec.Replicas = int32(replicas)
	_, err = api.UpdateScale(ctx, service, s, metav1.UpdateOptions{})
	return err
}

// patchOp is one operation of a JSON patch (RFC 6902).
type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

// Resize writes requests and limits into the pod template of a service; zero keeps
// what there is, and what was never set stays so.
func (c *Cluster) Resize(ctx context.Context, service string, r sim.Resources) error {
	w, err := c.workload(service)
	if err != nil {
		return err
	}
	have, want := requirements(c.sys.Resources(service)), requirements(r)
	var ops []patchOp
	replace := func(where string, have, want corev1.ResourceList) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			_, set := have[name]
			if q, ok := want[name]; ok && set {
				ops = append(ops, patchOp{"replace", "/spec/template/spec/containers/0/resources/" + where + "/" + string(name), q.String()})
			}
		}
	}
	replace("requests", have.Requests, want.Requests)
	replace("limits", have.Limits, want.Limits)
	if len(ops) == 0 {
		return nil
	}
	patch, err := json.Marshal(ops)
	if err != nil {
		return err
	}
	if w.stateful {
		_, err = c.client.AppsV1().StatefulSets(Namespace).Patch(ctx, service, types.JSONPatchType, patch, metav1.PatchOptions{})
	} else {
		_, err = c.client.AppsV1().Deployments(Namespace).Patch(ctx, service, types.JSONPatchType, patch, metav1.PatchOptions{})
	}
	return err
}
