package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// cluster is what the real controller sees of its histories, one a namespace.
type cluster struct {
	mu        sync.Mutex
	histories map[string]*history
	updates   map[string]int32 // to the scale subresource, since the last look
	twice     error            // more than one of them

	client *fake.Clientset
	scales *scalefake.FakeScaleClient
	pods   cache.Indexer
}

// controlled starts the real controller on the histories, in the bubble of the
// caller, and returns what stops it and waits for it.
func controlled(t *testing.T, f flags, histories map[string]*history) (c *cluster, stop func()) {
	t.Helper()
	// Its default handlers sleep a millisecond an error, which would shift decisions.
	utilruntime.ErrorHandlers = nil
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logr.Discard()))
	c = &cluster{histories: histories, updates: map[string]int32{}, scales: &scalefake.FakeScaleClient{}}
	var objects []runtime.Object
	for namespace, h := range histories {
		objects = append(objects, hpaObject(namespace, h.hpa))
	}
	//lint:ignore SA1019 NewClientset spends 4 ms a write on field management, which nothing here uses
	c.client = fake.NewSimpleClientset(objects...)
	c.scales.AddReactor("get", "deployments", c.getScale)
	c.scales.AddReactor("update", "deployments", c.updateScale)
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
	mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	factory := informers.NewSharedInformerFactory(c.client, 12*time.Hour)
	podInformer := factory.Core().V1().Pods()
	c.pods = podInformer.Informer().GetIndexer()
	controller := podautoscaler.NewHorizontalController(ctx, silent{}, c.scales, c.client.AutoscalingV2(), mapper, c,
		factory.Autoscaling().V2().HorizontalPodAutoscalers(), podInformer,
		f.sync, f.downscale, f.tolerance, f.cpuInitialization, f.initialReadiness)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	done := make(chan struct{})
	go func() {
		controller.Run(ctx, 1)
		close(done)
	}()
	return c, func() {
		cancel()
		<-done
		factory.Shutdown()
		synctest.Wait()
	}
}

// show makes the state of a history visible to the controller.
func (c *cluster) show(t *testing.T, namespace string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.histories[namespace]
	old, err := c.pods.ByIndex(cache.NamespaceIndex, namespace)
	for _, o := range old {
		err = errors.Join(err, c.pods.Delete(o))
	}
	for _, p := range h.pods {
		err = errors.Join(err, c.pods.Add(podObject(namespace, p)))
	}
	if h.edited {
		_, e := c.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Update(t.Context(), hpaObject(namespace, h.hpa), metav1.UpdateOptions{})
		err = errors.Join(err, e)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// look returns what the controller did since the last look, and forgets it.
func (c *cluster) look(t *testing.T) map[string]int32 {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.twice != nil {
		t.Fatal(c.twice)
	}
	c.client.ClearActions()
	c.scales.ClearActions()
	u := c.updates
	c.updates = map[string]int32{}
	return u
}

func (c *cluster) getScale(action clienttesting.Action) (bool, runtime.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.histories[action.GetNamespace()]
	return true, &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: "d", Namespace: action.GetNamespace()},
		Spec:       autoscalingv1.ScaleSpec{Replicas: h.replicas},
		Status:     autoscalingv1.ScaleStatus{Replicas: h.status, Selector: "app=d"},
	}, nil
}

func (c *cluster) updateScale(action clienttesting.Action) (bool, runtime.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	scale := action.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)
	if _, again := c.updates[action.GetNamespace()]; again {
		c.twice = fmt.Errorf("%s: two updates between two decisions", action.GetNamespace())
	}
	c.updates[action.GetNamespace()] = scale.Spec.Replicas
	return true, scale, nil
}

// The metrics client of the controller; cluster answers from the histories.
var _ metrics.MetricsClient = (*cluster)(nil)

func (c *cluster) GetResourceMetric(_ context.Context, name v1.ResourceName, namespace string, selector labels.Selector, _ string) (metrics.PodMetricsInfo, time.Time, error) {
	return c.GetRawMetric(string(name), namespace, selector, nil)
}

func (c *cluster) GetRawMetric(name, namespace string, _, _ labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info := metrics.PodMetricsInfo{}
	for _, p := range c.histories[namespace].pods {
		if s, ok := find(p.Metrics, name); ok {
			info[p.Name] = metrics.PodMetric{Timestamp: time.Unix(0, s.At), Window: time.Duration(s.Window), Value: s.Milli}
		}
	}
	return info, time.Now(), nil
}

func (c *cluster) GetObjectMetric(name, namespace string, _ *autoscaling.CrossVersionObjectReference, selector labels.Selector) (int64, time.Time, error) {
	parts, at, err := c.GetExternalMetric(name, namespace, selector)
	if err != nil {
		return 0, at, err
	}
	return parts[0], at, nil
}

func (c *cluster) GetExternalMetric(name, namespace string, _ labels.Selector) ([]int64, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.histories[namespace].samples[name]
	if !s.ok {
		return nil, time.Now(), errors.New("lost")
	}
	return s.parts, time.Now(), nil
}

// silent takes the controller's events and forgets them.
type silent struct{ corev1.EventInterface }

func (s silent) Events(string) corev1.EventInterface { return s }

func (silent) CreateWithEventNamespace(e *v1.Event) (*v1.Event, error) { return e, nil }

func (silent) UpdateWithEventNamespace(e *v1.Event) (*v1.Event, error) { return e, nil }

func (silent) PatchWithEventNamespace(e *v1.Event, _ []byte) (*v1.Event, error) { return e, nil }
