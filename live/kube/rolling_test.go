package kube

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRolling: a rolling update keeps old pods ready, so readiness does not tell
// when a template change is effective. A fake without controllers observes nothing.
func TestRolling(t *testing.T) {
	for name, c := range map[string]struct {
		generation int64
		status     appsv1.DeploymentStatus
		want       bool
	}{
		"no controller":          {2, appsv1.DeploymentStatus{Replicas: 3}, false},
		"not seen":               {2, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3}, true},
		"old pods":               {2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 4, UpdatedReplicas: 2}, true},
		"everywhere":             {2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3}, false},
		"seen ahead of our read": {2, appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 3, UpdatedReplicas: 3}, false},
	} {
		if got := ofDeployment(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: c.generation}, Status: c.status}).rolling; got != c.want {
			t.Errorf("%s: rolling %t, want %t", name, got, c.want)
		}
	}
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Generation: 1}, Status: appsv1.StatefulSetStatus{ObservedGeneration: 1, CurrentRevision: "a", UpdateRevision: "b"}}
	if !ofStatefulSet(s).rolling {
		t.Error("two revisions and not rolling")
	}
	if s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType; ofStatefulSet(s).rolling {
		t.Error("nobody will replace these pods, so nothing is waited for")
	}
}
