package indexed

import (
	"fmt"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Spec says what to run and on what.
type Spec struct {
	Namespace string
	Plan      string // its key
	Storage   string // URL that pods reach
	Data      []string
	Missing   []int // shards to do, ascending
	Shards    int   // of the plan

	Image          string
	PullPolicy     string            // Always, IfNotPresent or Never; "": the cluster's
	Parallel       int               // pods at a time; 0: all
	Retries        int               // of an index
	CPU, Memory    string            // of a pod, as Kubernetes writes quantities
	Nodes          map[string]string // labels that nodes must have
	Queue          string            // of Kueue, which then starts the Job; "": started at once
	ServiceAccount string            // whose cloud identity pods have; "": the namespace's
	EnvFrom        []string          // Secrets with credentials in environment variables
	Env            map[string]string
	KeepSeconds    int32 // that a Job which has ended stays
}

// exitUsage is the exit code of a call that is wrong, and would be wrong again.
const exitUsage = 2

// PlanLabel is on the Job and its pods.
const PlanLabel = "scale-eval.io/plan"

// Name is the name of the Job of a plan.
func Name(plan string) string { return "scale-eval-" + plan[:min(len(plan), 16)] }

// Manifest is the Job. It errs if a quantity is none, or no shard is missing.
func (s *Spec) Manifest() (*batchv1.Job, error) {
	if len(s.Missing) == 0 {
		return nil, fmt.Errorf("no shard is missing")
	}
	procs, err := Procs(s.CPU)
	if err != nil {
		return nil, err
	}
	requests, err := s.resources()
	if err != nil {
		return nil, err
	}
	n := int32(len(s.Missing))
	parallel := n
	if s.Parallel > 0 {
		parallel = min(n, int32(s.Parallel))
	}
	labels := map[string]string{"app.kubernetes.io/name": "scale-eval", "app.kubernetes.io/component": "shards", PlanLabel: s.Plan[:min(len(s.Plan), 16)]}
	job := &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Name: Name(s.Plan), Namespace: s.Namespace, Labels: labels},
		Spec: batchv1.JobSpec{
			Completions: &n, Parallelism: &parallel, CompletionMode: ptr(batchv1.IndexedCompletion),
			BackoffLimitPerIndex: ptr(int32(s.Retries)), PodFailurePolicy: failurePolicy(),
			PodReplacementPolicy: ptr(batchv1.Failed), // or two pods might be at one shard for nothing
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       s.pod(requests, procs),
			},
		},
	}
	if s.KeepSeconds > 0 {
		job.Spec.TTLSecondsAfterFinished = &s.KeepSeconds
	}
	if s.Queue != "" {
		job.Labels = map[string]string{"kueue.x-k8s.io/queue-name": s.Queue}
		for k, v := range labels {
			job.Labels[k] = v
		}
		job.Spec.Suspend = ptr(true)
	}
	return job, nil
}

func ptr[T any](v T) *T { return &v }

// ProcsVariable of the environment is on how many cores a worker computes.
const ProcsVariable = "GOMAXPROCS"

// Procs is a quantity of CPU in whole cores, at least one: what a worker of that size
// computes on, also where more are idle, so that its time does not depend on its
// neighbours.
func Procs(cpu string) (int, error) {
	q, err := resource.ParseQuantity(cpu)
	if err != nil || q.Sign() <= 0 {
		return 0, fmt.Errorf("cpu %q: want cores, more than 0, such as 2 or 500m", cpu)
	}
	return int(q.Value()), nil // rounded up
}

func (s *Spec) resources() (corev1.ResourceList, error) {
	list := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: s.CPU, corev1.ResourceMemory: s.Memory} {
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", name, text, err)
		}
		list[name] = q
	}
	return list, nil
}

// failurePolicy tells apart what is worth another try.
func failurePolicy() *batchv1.PodFailurePolicy {
	return &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
		{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}},
		{Action: batchv1.PodFailurePolicyActionFailIndex, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
			Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{exitUsage}}},
	}}
}

func (s *Spec) pod(requests corev1.ResourceList, procs int) corev1.PodSpec {
	const scratch = "scratch"
	c := corev1.Container{
		Name: "work", Image: s.Image, ImagePullPolicy: corev1.PullPolicy(s.PullPolicy), Args: s.args(),
		Resources: corev1.ResourceRequirements{Requests: requests, Limits: corev1.ResourceList{corev1.ResourceMemory: requests[corev1.ResourceMemory]}},
		// What is uploaded is collected there first.
		VolumeMounts:             []corev1.VolumeMount{{Name: scratch, MountPath: "/tmp"}},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false), ReadOnlyRootFilesystem: ptr(true), RunAsNonRoot: ptr(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	if _, own := s.Env[ProcsVariable]; !own {
		c.Env = append(c.Env, corev1.EnvVar{Name: ProcsVariable, Value: strconv.Itoa(procs)})
	}
	for _, k := range sortedKeys(s.Env) {
		c.Env = append(c.Env, corev1.EnvVar{Name: k, Value: s.Env[k]})
	}
	for _, secret := range s.EnvFrom {
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}})
	}
	return corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: s.ServiceAccount, AutomountServiceAccountToken: ptr(false),
		NodeSelector: s.Nodes, Containers: []corev1.Container{c},
		Volumes: []corev1.Volume{{Name: scratch, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
}

// args are those of scale-eval, which is what the image runs. The index comes from the
// environment that an Indexed Job gives its pods.
func (s *Spec) args() []string {
	args := []string{"work", "--storage", s.Storage}
	for _, d := range s.Data {
		args = append(args, "--data", d)
	}
	if len(s.Missing) < s.Shards {
		args = append(args, "--of", FormatList(s.Missing))
	}
	return args
}

// FormatList writes ascending numbers as 0-4,7.
func FormatList(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := strconv.Itoa(numbers[i])
		if j > i {
			part += "-" + strconv.Itoa(numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// ParseList reads what FormatList writes: numbers from 0 to below limit, ascending.
func ParseList(text string, limit int) (numbers []int, err error) {
	for _, part := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || from > to || from < 0 || to >= limit || len(numbers) > 0 && from <= numbers[len(numbers)-1] {
			return nil, fmt.Errorf("%q: want ascending numbers below %d such as 0-4,7", text, limit)
		}
		for i := from; i <= to; i++ {
			numbers = append(numbers, i)
		}
	}
	return numbers, nil
}
