package indexed

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// ActiveError is a Job that is at work already.
type ActiveError struct{ Namespace, Name string }

func (e *ActiveError) Error() string {
	return fmt.Sprintf("Job %s/%s is at these shards already: wait for it (scale-eval status), or end it (scale-eval cancel)", e.Namespace, e.Name)
}

// Submit creates the Job. One of the same plan that has ended is removed first; one that
// has not is an [ActiveError].
func Submit(ctx context.Context, k kubernetes.Interface, job *batchv1.Job) error {
	jobs := k.BatchV1().Jobs(job.Namespace)
	old, err := jobs.Get(ctx, job.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return err
	case old.DeletionTimestamp == nil && !ended(old):
		return &ActiveError{job.Namespace, job.Name}
	default:
		if err := remove(ctx, k, old); err != nil {
			return err
		}
	}
	_, err = jobs.Create(ctx, job, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // somebody else was faster
		return &ActiveError{job.Namespace, job.Name}
	}
	return err
}

// ended says whether a Job will start no more pods.
func ended(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// removalPoll and removalLimit bound how a removal is waited for.
const (
	removalPoll  = 200 * time.Millisecond
	removalLimit = 2 * time.Minute
)

// remove deletes a Job and waits until it and its pods are gone.
func remove(ctx context.Context, k kubernetes.Interface, job *batchv1.Job) error {
	jobs := k.BatchV1().Jobs(job.Namespace)
	err := jobs.Delete(ctx, job.Name, metav1.DeleteOptions{
		PropagationPolicy: ptr(metav1.DeletePropagationForeground), Preconditions: &metav1.Preconditions{UID: &job.UID}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, removalPoll, removalLimit, true, func(ctx context.Context) (bool, error) {
		now, err := jobs.Get(ctx, job.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return err == nil && now.UID != job.UID, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return fmt.Errorf("%s/%s: the Job is not gone %v after it was deleted: see kubectl describe job", job.Namespace, job.Name, removalLimit)
	}
	return err
}

// Progress is what a Job says of its pods.
type Progress struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Indexes   int    `json:"indexes"`
	Active    int    `json:"active"`
	Succeeded int    `json:"succeeded"`
	// Failed are the indexes given up, as Kubernetes writes them ("1,3-5"); FailedPods
	// counts pods, retried ones too.
	Failed     string `json:"failed_indexes"`
	FailedPods int    `json:"failed_pods"`
	// State is running, suspended, complete, failed, or being deleted; Why is what
	// Kubernetes gives as the reason.
	State string `json:"state"`
	Why   string `json:"why,omitempty"`
}

// Read asks for the Job of a plan; nil: there is none.
func Read(ctx context.Context, k kubernetes.Interface, namespace, plan string) (*Progress, error) {
	job, err := k.BatchV1().Jobs(namespace).Get(ctx, Name(plan), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &Progress{Namespace: namespace, Name: job.Name, Active: int(job.Status.Active), Succeeded: int(job.Status.Succeeded),
		FailedPods: int(job.Status.Failed), State: "running"}
	if job.Spec.Completions != nil {
		p.Indexes = int(*job.Spec.Completions)
	}
	if job.Status.FailedIndexes != nil {
		p.Failed = *job.Status.FailedIndexes
	}
	for _, c := range job.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobSuspended:
			p.State, p.Why = "suspended", c.Message
		case batchv1.JobComplete:
			p.State, p.Why = "complete", ""
		case batchv1.JobFailed:
			p.State, p.Why = "failed", c.Message
		}
	}
	if job.DeletionTimestamp != nil {
		p.State = "being deleted"
	}
	return p, nil
}

// Cancel ends the Job of a plan with its pods; false: there is none.
func Cancel(ctx context.Context, k kubernetes.Interface, namespace, plan string) (bool, error) {
	job, err := k.BatchV1().Jobs(namespace).Get(ctx, Name(plan), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, remove(ctx, k, job)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
