package kube

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/live"
)

// maxMessage is the API's limit for the message of an Event.
const maxMessage = 1024

// event says on the object what was done, or was not. An Event that cannot be made
// fails no action; EventErrors counts it.
func (k *Orchestrator) event(ctx context.Context, a *live.Action, w *workload, reason, message string) {
	if k.o.NoEvents || a.DryRun {
		return
	}
	kind := corev1.EventTypeNormal
	if reason == "ScaleRefused" || reason == "ScaleFailed" {
		kind = corev1.EventTypeWarning
	}
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "…"
	}
	at := metav1.NewTime(time.Unix(0, a.At))
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.meta.Namespace, Name: fmt.Sprintf("%s.%x", w.meta.Name, a.At)},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: w.kind.GroupVersion().String(), Kind: w.kind.Kind, Namespace: w.meta.Namespace, Name: w.meta.Name, UID: w.meta.UID,
		},
		Reason: reason, Message: message, Type: kind, Count: 1, FirstTimestamp: at, LastTimestamp: at,
		Source: corev1.EventSource{Component: FieldManager}, ReportingController: FieldManager,
	}
	_, err := k.o.Client.CoreV1().Events(w.meta.Namespace).Create(ctx, e, metav1.CreateOptions{FieldManager: FieldManager})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return // the same action, repeated
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.eventErrors++
	k.lastEvent = err
}

// EventErrors is how many Events could not be made, and the last reason.
func (k *Orchestrator) EventErrors() (int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.eventErrors, k.lastEvent
}
