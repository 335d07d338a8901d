// Package cluster puts the Kubernetes API in front of a simulated system: whatever
// scales through client-go in production scales the simulation, unchanged.
//
// Its opinion: an autoscaler that is compared by calling the simulator's own setters
// is compared without its last mile. The conflict, the rounding to milli-cores and
// the object that nobody can find belong to it.
//
//  1. [New] makes a fake clientset with a Deployment (or StatefulSet) a service,
//     whose scale subresource and JSON patches work;
//  2. before somebody reads a workload its status is brought up to date;
//  3. a write is stored first and carried out by an event of its own at the same
//     instant, as by a controller that watches: replicas, requests and limits;
//  4. [Cluster.Autoscale] runs the autoscalers of package policy through the same
//     API, on the metrics that the simulated metrics server has.
package cluster

import (
	"fmt"
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/scale-eval/scale-eval/live/kube/kubefake"
	"github.com/scale-eval/scale-eval/sim"
)

// Namespace of all workloads, and Container of each.
const (
	Namespace = metav1.NamespaceDefault
	Container = "app"
)

// Cluster is a clientset and the system behind it. Not safe for concurrent use.
type Cluster struct {
	sys       *sim.System
	client    *fake.Clientset
	workloads []*workload
	pending   bool // a write waits to be carried out
	writes    int
	onChange  func(Change)
	errs      []error
}

// workload is one service as an object.
type workload struct {
	name        string
	stateful    bool
	gvr         schema.GroupVersionResource
	want, ready int // as the object has them
}

// New makes the objects of the services of a topology, which sys was built from.
// stateful names those that are StatefulSets.
func New(sys *sim.System, t *sim.Topology, stateful ...string) *Cluster {
	c := &Cluster{sys: sys}
	sets := map[string]bool{}
	for _, name := range stateful {
		sets[name] = true
	}
	var objects []runtime.Object
	for i := range t.Services {
		w := &workload{name: t.Services[i].Name, stateful: sets[t.Services[i].Name]}
		w.gvr = appsv1.SchemeGroupVersion.WithResource("deployments")
		if w.stateful {
			w.gvr = appsv1.SchemeGroupVersion.WithResource("statefulsets")
		}
		w.want, w.ready = sys.Replicas(w.name)
		c.workloads = append(c.workloads, w)
		objects = append(objects, c.object(w))
	}
	c.client = kubefake.New(objects...)
	c.client.PrependReactor("*", "*", c.react)
	return c
}

// Client is the API.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// Writes is the number of changes that were carried out.
func (c *Cluster) Writes() int { return c.writes }

// object is w as the API has it.
func (c *Cluster) object(w *workload) runtime.Object {
	meta := metav1.ObjectMeta{Name: w.name, Namespace: Namespace, Labels: map[string]string{"app": w.name}}
	n, status := int32(w.want), int32(w.ready)
	selector := &metav1.LabelSelector{MatchLabels: meta.Labels}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: meta.Labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: Container, Resources: requirements(c.sys.Resources(w.name))}}},
	}
	if w.stateful {
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &n, Selector: selector, Template: template},
			Status: appsv1.StatefulSetStatus{Replicas: n, ReadyReplicas: status}}
	}
	return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &n, Selector: selector, Template: template},
		Status: appsv1.DeploymentStatus{Replicas: n, ReadyReplicas: status}}
}

func requirements(r sim.Resources) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: quantities(r.CPURequest, r.MemoryRequestMiB),
		Limits:   quantities(r.CPULimit, r.MemoryLimitMiB),
	}
}

// quantities leaves out what is not set.
func quantities(cores, mib float64) corev1.ResourceList {
	l := corev1.ResourceList{}
	if cores > 0 {
		l[corev1.ResourceCPU] = *resource.NewMilliQuantity(milli(cores), resource.DecimalSI)
	}
	if mib > 0 {
		l[corev1.ResourceMemory] = *resource.NewQuantity(bytes(mib), resource.BinarySI)
	}
	return l
}

func milli(cores float64) int64 { return int64(math.Ceil(float64(1000*cores) - 1e-6)) }
func bytes(mib float64) int64   { return int64(math.Ceil(float64(mib * (1 << 20)))) }

// resources is the inverse of requirements.
func resources(r corev1.ResourceRequirements) sim.Resources {
	cores := func(l corev1.ResourceList) float64 { return float64(l.Cpu().MilliValue()) / 1000 }
	mib := func(l corev1.ResourceList) float64 { return float64(l.Memory().Value()) / (1 << 20) }
	return sim.Resources{
		CPURequest: cores(r.Requests), CPULimit: cores(r.Limits),
		MemoryRequestMiB: mib(r.Requests), MemoryLimitMiB: mib(r.Limits),
	}
}

// Err is what went wrong in the API since New, if anything did: a bug, or somebody
// who deleted a workload.
func (c *Cluster) Err() error {
	if len(c.errs) == 0 {
		return nil
	}
	return fmt.Errorf("cluster: %d errors, the first: %w", len(c.errs), c.errs[0])
}

// Failed notes an error of the API, for Err; nil is none.
func (c *Cluster) Failed(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}
