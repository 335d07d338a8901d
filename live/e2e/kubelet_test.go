//go:build e2e && unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// kubelet is a kubelet for tests: its pods are processes of this machine, whose image is
// program. What they do is what their manifest says; nothing else of a pod is there.
type kubelet struct {
	t       *testing.T
	client  kubernetes.Interface
	program string
	// begun is told of every pod whose process was started, before anything waits for it.
	begun func(k *kubelet, p *podProcess)

	mu   sync.Mutex
	pods map[string]*podProcess // by namespace/name; those that have ended too
	lost map[string]bool        // nodes
	wait sync.WaitGroup
}

// podProcess is a pod that runs, or did.
type podProcess struct {
	node, index string
	attempt     int // of the index, from 0
	cmd         *exec.Cmd
	job         types.UID // that the pod is of
}

// kubeletNode is on the nodes of a kubelet.
const kubeletNode = "scale-eval.io/test-kubelet"

// startKubelet registers nodes and looks after their pods until the test ends.
func startKubelet(t *testing.T, client kubernetes.Interface, program string, begun func(k *kubelet, p *podProcess), nodes ...string) *kubelet {
	k := &kubelet{t: t, client: client, program: program, begun: begun, pods: map[string]*podProcess{}, lost: map[string]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	for _, n := range nodes {
		if err := k.register(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	k.wait.Go(func() { k.loop(ctx, nodes) })
	t.Cleanup(func() {
		cancel()
		k.killAll("")
		k.wait.Wait()
	})
	return k
}

func (k *kubelet) register(ctx context.Context, name string) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{kubeletNode: "true"}}}
	if _, err := k.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	return k.heartbeat(ctx, name)
}

func ready() corev1.NodeCondition {
	return corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now()}
}

func (k *kubelet) loop(ctx context.Context, nodes []string) {
	const look, beat = 200 * time.Millisecond, 5 * time.Second
	tick, heart := time.NewTicker(look), time.NewTicker(beat)
	defer tick.Stop()
	defer heart.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-heart.C:
			for _, n := range nodes {
				if err := k.heartbeat(ctx, n); err != nil && ctx.Err() == nil {
					k.t.Logf("heartbeat of %s: %v", n, err)
				}
			}
		case <-tick.C:
			if err := k.sync(ctx, nodes); err != nil && ctx.Err() == nil {
				k.t.Logf("test kubelet: %v", err)
			}
		}
	}
}

func (k *kubelet) isLost(node string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lost[node]
}

func (k *kubelet) heartbeat(ctx context.Context, name string) error {
	if k.isLost(name) {
		return nil
	}
	// Controllers write taints meanwhile.
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		node, err := k.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("100")}
		node.Status.Capacity, node.Status.Allocatable = room, room
		node.Status.Conditions = []corev1.NodeCondition{ready()}
		_, err = k.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
		return err
	})
}

// sync starts the pods that were bound to a node, and ends those that are being deleted.
func (k *kubelet) sync(ctx context.Context, nodes []string) error {
	list, err := k.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, pod := range list.Items {
		if !slices.Contains(nodes, pod.Spec.NodeName) || k.isLost(pod.Spec.NodeName) {
			continue
		}
		k.mu.Lock()
		running := k.pods[pod.Namespace+"/"+pod.Name]
		k.mu.Unlock()
		switch {
		case pod.DeletionTimestamp != nil:
			if running != nil {
				running.kill()
			}
			err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *metav1.NewDeleteOptions(0))
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		case running == nil && pod.Status.Phase == corev1.PodPending:
			if err := k.start(ctx, &pod); err != nil {
				return fmt.Errorf("pod %s: %w", pod.Name, err)
			}
		}
	}
	return nil
}

const indexAnnotation = "batch.kubernetes.io/job-completion-index"

func (k *kubelet) start(ctx context.Context, pod *corev1.Pod) error {
	c := pod.Spec.Containers[0]
	env, err := k.environment(ctx, pod, c)
	if err != nil {
		return err
	}
	index := pod.Annotations[indexAnnotation]
	k.mu.Lock()
	attempt := 0
	for _, p := range k.pods {
		if p.index == index && pod.OwnerReferences[0].UID == p.job {
			attempt++
		}
	}
	k.mu.Unlock()
	cmd := exec.Command(k.program, c.Args...)
	cmd.Env = env
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	guard(cmd)
	if err := <-started(cmd); err != nil {
		return err
	}
	p := &podProcess{node: pod.Spec.NodeName, index: index, attempt: attempt, cmd: cmd, job: pod.OwnerReferences[0].UID}
	k.mu.Lock()
	k.pods[pod.Namespace+"/"+pod.Name] = p
	k.mu.Unlock()
	if err := k.report(ctx, pod, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}); err != nil {
		return err
	}
	k.begun(k, p)
	k.wait.Go(func() {
		code := exitCode(cmd.Wait())
		phase := corev1.PodSucceeded
		if code != 0 {
			phase = corev1.PodFailed
			k.t.Logf("index %s on %s ended with %d: %s", index, p.node, code, strings.TrimSpace(said.String()))
		}
		if k.isLost(p.node) {
			return // nobody is there to say it
		}
		err := k.report(ctx, pod, phase, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: metav1.Now()}})
		if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
			k.t.Errorf("status of pod %s: %v", pod.Name, err)
		}
	})
	return nil
}

func exitCode(err error) int32 {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return int32(exit.ExitCode())
	}
	return 137 // as of a container that was killed
}

// environment is what the manifest asks for, and no more than a program needs beside it.
func (k *kubelet) environment(ctx context.Context, pod *corev1.Pod, c corev1.Container) ([]string, error) {
	env := map[string]string{"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": k.t.TempDir()}
	for _, from := range c.EnvFrom {
		secret, err := k.client.CoreV1().Secrets(pod.Namespace).Get(ctx, from.SecretRef.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for name, value := range secret.Data {
			env[name] = string(value)
		}
	}
	for _, v := range c.Env {
		env[v.Name] = v.Value
		if v.ValueFrom != nil { // of the index: the only one that a Job adds
			env[v.Name] = pod.Annotations[indexAnnotation]
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out, nil
}

// report says how a pod is.
func (k *kubelet) report(ctx context.Context, pod *corev1.Pod, phase corev1.PodPhase, state corev1.ContainerState) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		now, err := k.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now.Status.Phase = phase
		now.Status.StartTime = &metav1.Time{Time: time.Now()}
		now.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, State: state}}
		_, err = k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, now, metav1.UpdateOptions{})
		return err
	})
}

func (p *podProcess) kill() { _ = p.cmd.Process.Kill() }

// killAll kills what runs on a node, "" on all.
func (k *kubelet) killAll(node string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.pods {
		if node == "" || p.node == node {
			p.kill()
		}
	}
}

// lose is the end of a machine: its processes are gone, nobody reports, and its Node is
// deleted, as a cloud's node controller does.
func (k *kubelet) lose(ctx context.Context, node string) error {
	k.mu.Lock()
	k.lost[node] = true
	k.mu.Unlock()
	k.killAll(node)
	return k.client.CoreV1().Nodes().Delete(ctx, node, metav1.DeleteOptions{})
}

// attempts is how many pods each index had.
func (k *kubelet) attempts() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := map[string]int{}
	for _, p := range k.pods {
		n[p.index]++
	}
	return n
}
