package lead

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/acts"
)

// Options of an Elector.
type Options struct {
	// Client and Namespace are where the Leases are. Required.
	Client    kubernetes.Interface
	Namespace string
	// Name of the Lease; required. Replicas of one deployment share it.
	Name string
	// Identity of this replica, e.g. the pod's name. Required, and unlike that of any
	// other.
	Identity string
	// Duration is how long a silent leader keeps the others waiting, Renew how long a
	// leader tries to renew before it stops, Retry the pause between tries. Whole
	// seconds. Defaults 15 s, 10 s, 2 s, those of Kubernetes' own components.
	Duration, Renew, Retry time.Duration
	// Log is told of changes. Default slog.Default().
	Log *slog.Logger
}

// Elector says whether this replica may act. Safe for concurrent use.
type Elector struct {
	o       Options
	elector *leaderelection.LeaderElector
	holds   func() bool // what the election last saw; its callbacks come a little later

	mu      sync.Mutex
	leading bool
	term    int64                 // counts up with each time of leading
	book    *coordinationv1.Lease // the second Lease as it was read; nil: to be read
	fresh   []acts.Act            // read from it, for Taken
}

// New makes an Elector. It errs when an option is missing or out of range, and asks
// the server nothing.
func New(o Options) (*Elector, error) {
	if o.Client == nil || o.Namespace == "" || o.Name == "" || o.Identity == "" {
		return nil, errors.New("lead: want a client, a namespace, a name and an identity")
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Duration, 15 * time.Second}, {&o.Renew, 10 * time.Second}, {&o.Retry, 2 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < time.Second || *d.v%time.Second != 0 {
			return nil, fmt.Errorf("lead: %v: want whole seconds", *d.v)
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	e := &Elector{o: o}
	var err error
	e.elector, err = leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name},
			Client:     o.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: o.Identity},
		},
		LeaseDuration: o.Duration, RenewDeadline: o.Renew, RetryPeriod: o.Retry, Name: o.Name,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { e.set(true) },
			OnStoppedLeading: func() { e.set(false) },
			OnNewLeader:      func(id string) { o.Log.Info("leader", "identity", id, "self", id == o.Identity) },
		},
	})
	if err != nil {
		return nil, fmt.Errorf("lead: %w", err)
	}
	e.holds = e.elector.IsLeader
	return e, nil
}

// Run competes until ctx ends, again and again, and then gives the Lease back. The
// caller stops acting before it cancels ctx.
func (e *Elector) Run(ctx context.Context) {
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(e.o.Log.Handler()))
	for ctx.Err() == nil {
		e.elector.Run(ctx)
	}
}

func (e *Elector) set(leading bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if leading == e.leading {
		return
	}
	if e.leading, e.book = leading, nil; leading {
		e.term++
	}
	e.o.Log.Info("leading", "now", leading, "identity", e.o.Identity)
}

// Leading says whether this replica may act.
func (e *Elector) Leading() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leading && e.holds()
}

// Leader is the identity of the leader as last seen, "" if none was.
func (e *Elector) Leader() string { return e.elector.GetLeader() }

// Gate lets actions through to an orchestrator while this replica leads, each after
// it was recorded. Otherwise, and when the record says that another replica wrote,
// the error wraps live.ErrStandby. Dry runs go through always.
func (e *Elector) Gate(to live.Orchestrator) live.Orchestrator { return acts.Gate{Log: e, To: to} }
