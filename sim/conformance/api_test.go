package conformance

import (
	"fmt"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/sim/policy"
)

// The things of a history as the Kubernetes API has them, defaults filled in as the
// API server does.

func hpaObject(namespace string, h *policy.HPA) *autoscaling.HorizontalPodAutoscaler {
	o := &autoscaling.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "hpa", Namespace: namespace},
		Spec: autoscaling.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscaling.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"},
			MinReplicas:    &h.Min, MaxReplicas: h.Max,
		},
	}
	for _, m := range h.Metrics {
		o.Spec.Metrics = append(o.Spec.Metrics, metricSpec(m))
	}
	if b := h.Behavior; b != nil {
		o.Spec.Behavior = &autoscaling.HorizontalPodAutoscalerBehavior{ScaleUp: rulesObject(b.Up), ScaleDown: rulesObject(b.Down)}
	}
	return o.DeepCopy()
}

func metricSpec(m policy.Metric) autoscaling.MetricSpec {
	target := autoscaling.MetricTarget{}
	switch {
	case m.Utilization > 0:
		target.Type, target.AverageUtilization = autoscaling.UtilizationMetricType, &m.Utilization
	case m.AverageMilli > 0:
		target.Type, target.AverageValue = autoscaling.AverageValueMetricType, quantity(m.AverageMilli)
	default:
		target.Type, target.Value = autoscaling.ValueMetricType, quantity(m.ValueMilli)
	}
	id := autoscaling.MetricIdentifier{Name: m.Name}
	switch m.Source {
	case policy.Resource:
		return autoscaling.MetricSpec{Type: autoscaling.ResourceMetricSourceType, Resource: &autoscaling.ResourceMetricSource{Name: v1.ResourceName(m.Name), Target: target}}
	case policy.Pods:
		return autoscaling.MetricSpec{Type: autoscaling.PodsMetricSourceType, Pods: &autoscaling.PodsMetricSource{Metric: id, Target: target}}
	case policy.Object:
		ref := autoscaling.CrossVersionObjectReference{Kind: "Service", Name: "s"}
		return autoscaling.MetricSpec{Type: autoscaling.ObjectMetricSourceType, Object: &autoscaling.ObjectMetricSource{DescribedObject: ref, Metric: id, Target: target}}
	}
	return autoscaling.MetricSpec{Type: autoscaling.ExternalMetricSourceType, External: &autoscaling.ExternalMetricSource{Metric: id, Target: target}}
}

var selects = [...]autoscaling.ScalingPolicySelect{
	policy.MaxChange: autoscaling.MaxChangePolicySelect, policy.MinChange: autoscaling.MinChangePolicySelect, policy.Disabled: autoscaling.DisabledPolicySelect,
}

func rulesObject(r policy.Rules) *autoscaling.HPAScalingRules {
	window := int32(r.Window / 1e9)
	o := &autoscaling.HPAScalingRules{StabilizationWindowSeconds: &window, SelectPolicy: &selects[r.Select]}
	for _, p := range r.Policies {
		kind, value := autoscaling.PodsScalingPolicy, p.Pods
		if p.Percent > 0 {
			kind, value = autoscaling.PercentScalingPolicy, p.Percent
		}
		o.Policies = append(o.Policies, autoscaling.HPAScalingPolicy{Type: kind, Value: value, PeriodSeconds: int32(p.Period / 1e9)})
	}
	if r.Tolerance != nil {
		o.Tolerance = quantity(int64(1000**r.Tolerance + .5))
	}
	return o
}

func podObject(namespace string, p *pod) *v1.Pod {
	o := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: namespace, Labels: map[string]string{"app": "d"}},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "c", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{}}}}},
		Status:     v1.PodStatus{Phase: v1.PodRunning},
	}
	for _, s := range p.Requests {
		o.Spec.Containers[0].Resources.Requests[v1.ResourceName(s.Name)] = *quantity(s.Milli)
	}
	switch {
	case p.failed:
		o.Status.Phase = v1.PodFailed
	case p.Pending:
		o.Status.Phase = v1.PodPending
	}
	if p.Terminated && !p.failed {
		o.DeletionTimestamp = &metav1.Time{Time: time.Unix(0, p.Started)}
	}
	if p.Unreported {
		return o
	}
	ready := v1.ConditionFalse
	if p.Ready {
		ready = v1.ConditionTrue
	}
	o.Status.StartTime = &metav1.Time{Time: time.Unix(0, p.Started)}
	o.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: ready, LastTransitionTime: metav1.Time{Time: time.Unix(0, p.Transition)}}}
	return o
}

// describe is one line about what both decided on.
func (h *history) describe() string {
	w := h.workload()
	s := fmt.Sprintf("min %d max %d status %d metrics %+v samples %+v behavior %v\n", h.hpa.Min, h.hpa.Max, w.Current, h.hpa.Metrics, w.Metrics, h.hpa.Behavior)
	for _, p := range w.Pods {
		s += fmt.Sprintf("    %+v\n", p)
	}
	return s
}
