package cluster

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/testing"

	"github.com/scale-eval/scale-eval/sim"
)

// react sees every request before it is served. It serves none itself, but refuses
// what the simulation cannot be asked for.
func (c *Cluster) react(a testing.Action) (handled bool, out runtime.Object, err error) {
	switch r := a.GetResource().Resource; {
	case r != "deployments" && r != "statefulsets":
		return false, nil, nil
	case a.GetVerb() == "get" || a.GetVerb() == "list":
		c.refresh()
		return false, nil, nil
	}
	if u, ok := a.(testing.UpdateActionImpl); ok {
		if s, ok := u.GetObject().(*autoscalingv1.Scale); ok && (s.Spec.Replicas < 0 || s.Spec.Replicas > sim.MaxReplicas) {
			return true, nil, apierrors.NewBadRequest(fmt.Sprintf("%d replicas: want 0..%d", s.Spec.Replicas, sim.MaxReplicas))
		}
	}
	if !c.pending {
		c.pending = true
		c.sys.Clock().After(0, c, 0)
	}
	return false, nil, nil
}

// refresh writes into the objects how many pods there are and are ready.
func (c *Cluster) refresh() {
	for _, w := range c.workloads {
		want, ready := c.sys.Replicas(w.name)
		if want == w.want && ready == w.ready {
			continue
		}
		o, err := c.client.Tracker().Get(w.gvr, Namespace, w.name)
		if err != nil {
			c.Failed(err)
			continue
		}
		o = o.DeepCopyObject()
		switch o := o.(type) {
		case *appsv1.Deployment:
			o.Status.Replicas, o.Status.ReadyReplicas = int32(want), int32(ready)
		case *appsv1.StatefulSet:
			o.Status.Replicas, o.Status.ReadyReplicas = int32(want), int32(ready)
		}
		c.Failed(c.client.Tracker().Update(w.gvr, o, Namespace))
		w.want, w.ready = want, ready
	}
}

// Handle implements [sim.Handler]: it carries out what was written.
func (c *Cluster) Handle(uint64) {
	c.pending = false
	c.client.ClearActions() // the fake keeps every one for ever
	for _, w := range c.workloads {
		o, err := c.client.Tracker().Get(w.gvr, Namespace, w.name)
		if err != nil {
			c.Failed(err)
			continue
		}
		replicas, template := wanted(o)
		c.carryOut(w, replicas, template)
	}
}

func wanted(o runtime.Object) (replicas int, template *corev1.PodTemplateSpec) {
	n := int32(1) // the API's default
	set := func(p *int32) {
		if p != nil {
			n = *p
		}
	}
	switch o := o.(type) {
	case *appsv1.Deployment:
		set(o.Spec.Replicas)
		template = &o.Spec.Template
	case *appsv1.StatefulSet:
		set(o.Spec.Replicas)
		template = &o.Spec.Template
	}
	return int(n), template
}

func (c *Cluster) carryOut(w *workload, replicas int, template *corev1.PodTemplateSpec) {
	change := Change{At: c.sys.Now(), Service: w.name, Before: c.sys.Resources(w.name)}
	change.From, _ = c.sys.Replicas(w.name)
	change.To, change.After = replicas, change.Before
	for i := range template.Spec.Containers {
		if template.Spec.Containers[i].Name != Container {
			continue
		}
		// Compared as the API has it: what it rounds was not changed by anybody.
		if r := resources(template.Spec.Containers[i].Resources); r != resources(requirements(change.Before)) {
			change.After = r
		}
	}
	if !change.Horizontal() && !change.Vertical() {
		return
	}
	c.writes++
	c.sys.SetReplicas(w.name, replicas)
	c.sys.SetResources(w.name, change.After)
	if c.onChange != nil {
		c.onChange(change)
	}
}

// Change is what a write changed of one service.
type Change struct {
	At            int64 // ns
	Service       string
	From, To      int // replicas
	Before, After sim.Resources
}

// Horizontal says whether the replicas changed.
func (c *Change) Horizontal() bool { return c.From != c.To }

// Vertical says whether requests or limits changed.
func (c *Change) Vertical() bool { return c.Before != c.After }

// OnChange is called with each change that was carried out. nil: not.
func (c *Cluster) OnChange(f func(Change)) { c.onChange = f }
