package lead

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/acts"
)

// Annotation holds the last acts, as JSON, on the Lease NAME-acts.
const Annotation = "scale-eval.github.io/acts"

const (
	// maxActs and actsFor bound the annotation: rate limits look back an hour at
	// most times, and an object holds 256 kB of annotations.
	maxActs = 500
	actsFor = 24 * time.Hour
)

// Record writes a into the second Lease, if this replica leads and nobody has
// written there since it last read. Otherwise the error wraps live.ErrStandby.
func (e *Elector) Record(ctx context.Context, a acts.Act) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.leading || !e.holds() {
		return fmt.Errorf("%w: %s leads", live.ErrStandby, orNobody(e.Leader()))
	}
	if err := e.open(ctx); err != nil {
		return fmt.Errorf("lease %s/%s: %w", e.o.Namespace, e.bookName(), err)
	}
	if len(e.fresh) > 0 {
		return fmt.Errorf("%w: it acted before this replica led; that is taken into account from the next tick on", live.ErrStandby)
	}
	list, err := read(e.book)
	if err != nil {
		return err
	}
	text, err := json.Marshal(trim(append(list, a)))
	if err != nil {
		return err
	}
	next := e.book.DeepCopy()
	next.Annotations = map[string]string{Annotation: string(text)}
	next.Spec.HolderIdentity = &e.o.Identity
	written, err := e.leases().Update(ctx, next, metav1.UpdateOptions{})
	if err != nil {
		e.book = nil // whether it was written is not known
		if apierrors.IsConflict(err) {
			return fmt.Errorf("%w: it wrote to lease %s/%s", live.ErrStandby, e.o.Namespace, e.bookName())
		}
		return fmt.Errorf("lease %s/%s: %w", e.o.Namespace, e.bookName(), err)
	}
	e.book = written
	return nil
}

// Taken returns, once, what others did that this replica does not know of: after it
// became leader, or lost a race. Call it before each tick, and let the pipeline
// remember it. nil: nothing new.
func (e *Elector) Taken(ctx context.Context) ([]acts.Act, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.leading {
		return nil, nil
	}
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	list := e.fresh
	e.fresh = nil
	return list, nil
}

// open reads the second Lease, or makes it.
func (e *Elector) open(ctx context.Context) error {
	if e.book != nil {
		return nil
	}
	l, err := e.leases().Get(ctx, e.bookName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		l = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: e.o.Namespace, Name: e.bookName()}}
		l, err = e.leases().Create(ctx, l, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	if e.fresh, err = read(l); err != nil {
		return err
	}
	e.book = l
	return nil
}

func (e *Elector) bookName() string { return e.o.Name + "-acts" }

func (e *Elector) leases() interface {
	Get(context.Context, string, metav1.GetOptions) (*coordinationv1.Lease, error)
	Create(context.Context, *coordinationv1.Lease, metav1.CreateOptions) (*coordinationv1.Lease, error)
	Update(context.Context, *coordinationv1.Lease, metav1.UpdateOptions) (*coordinationv1.Lease, error)
} {
	return e.o.Client.CoordinationV1().Leases(e.o.Namespace)
}

func read(l *coordinationv1.Lease) (list []acts.Act, err error) {
	text, ok := l.Annotations[Annotation]
	if !ok {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("lease %s/%s: annotation %s: %w; delete the annotation to start without it", l.Namespace, l.Name, Annotation, err)
	}
	return list, nil
}

// trim drops the oldest acts.
func trim(list []acts.Act) []acts.Act {
	newest := list[len(list)-1].At
	list = slices.DeleteFunc(list, func(a acts.Act) bool { return a.At < newest-int64(actsFor) })
	return list[max(0, len(list)-maxActs):]
}

func orNobody(id string) string {
	if id == "" {
		return "nobody"
	}
	return id
}
