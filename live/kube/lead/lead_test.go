package lead

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/acts"
	"github.com/scale-eval/scale-eval/live/kube/kubefake"
)

// cluster is a store that several clients share, each of which can be cut off. A
// stale resource version is a conflict, as on a server: client-go's fake lets it pass.
type cluster struct {
	mu      sync.Mutex
	store   *fake.Clientset
	cut     map[string]bool
	version int
}

func newCluster() *cluster { return &cluster{store: kubefake.New(), cut: map[string]bool{}} }

// client is the way of one replica to the store.
func (c *cluster) client(who string) kubernetes.Interface {
	k := &fake.Clientset{}
	k.AddReactor("*", "*", func(a k8stesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.cut[who] {
			return true, nil, apierrors.NewTimeoutError("cut off", 1)
		}
		switch a := a.(type) {
		case k8stesting.CreateActionImpl:
			c.stamp(a.GetObject().(*coordinationv1.Lease))
		case k8stesting.UpdateActionImpl:
			l := a.GetObject().(*coordinationv1.Lease)
			now, err := c.store.Tracker().Get(a.GetResource(), a.GetNamespace(), l.Name)
			if err != nil {
				return true, nil, err
			}
			if have := now.(*coordinationv1.Lease).ResourceVersion; have != l.ResourceVersion {
				return true, nil, apierrors.NewConflict(a.GetResource().GroupResource(), l.Name, fmt.Errorf("%s is not %s", l.ResourceVersion, have))
			}
			c.stamp(l)
		}
		return k8stesting.ObjectReaction(c.store.Tracker())(a)
	})
	return k
}

func (c *cluster) stamp(l *coordinationv1.Lease) {
	c.version++
	l.ResourceVersion = strconv.Itoa(c.version)
}

func (c *cluster) cutOff(who string, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut[who] = cut
}

func (c *cluster) elector(t *testing.T, who string) *Elector {
	t.Helper()
	e, err := New(Options{Client: c.client(who), Namespace: "shop", Name: "scale-eval", Identity: who, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// world is what is scaled: it notes who did what.
type world struct {
	mu    sync.Mutex
	deeds []string
}

type actor struct {
	who string
	w   *world
}

func (a actor) Scale(_ context.Context, x live.Action) error {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	a.w.deeds = append(a.w.deeds, fmt.Sprintf("%s %d->%d", a.who, x.From, x.To))
	return nil
}
func (a actor) Current(context.Context, live.Target) (live.State, error) { return live.State{}, nil }

var cart = live.Target{Kind: "deployment", Namespace: "shop", Name: "cart"}

func action(from int) live.Action {
	return live.Action{Target: cart, Direction: live.Up, From: from, To: from + 1, At: int64(from)}
}

// TestOneActs: every second both replicas want to act. Exactly one does, whatever
// happens to the other: the leader is cut off, comes back, ends.
func TestOneActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := newCluster(), &world{}
		ctx, cancel := context.WithCancel(t.Context())
		electors, gates := map[string]*Elector{}, map[string]live.Orchestrator{}
		var done sync.WaitGroup
		for _, who := range []string{"a", "b"} {
			e := c.elector(t, who)
			electors[who], gates[who] = e, e.Gate(actor{who, w})
			done.Go(func() { e.Run(ctx) })
			time.Sleep(time.Second) // a is first
		}
		n := 0
		leaders := ""
		for s := range 120 {
			switch s {
			case 20:
				c.cutOff("a", true)
			case 60:
				c.cutOff("a", false)
			case 80:
				c.cutOff("b", true)
			}
			if electors["a"].Leading() && electors["b"].Leading() {
				t.Fatalf("second %d: two leaders", s)
			}
			acted := 0
			for _, who := range []string{"a", "b"} {
				if _, err := electors[who].Taken(ctx); err != nil && !apierrors.IsTimeout(err) {
					t.Fatal(err)
				}
				err := gates[who].Scale(ctx, action(n))
				switch {
				case err == nil:
					acted++
					if len(leaders) == 0 || leaders[len(leaders)-1:] != who {
						leaders += who
					}
				case !errors.Is(err, live.ErrStandby) && !apierrors.IsTimeout(err):
					t.Fatalf("second %d: %s: %v", s, who, err)
				}
			}
			if acted > 1 {
				t.Fatalf("second %d: both acted", s)
			}
			n += acted
			time.Sleep(time.Second)
		}
		if leaders != "aba" {
			t.Errorf("leaders were %q, want a, then b while a is cut off, then a", leaders)
		}
		for i, deed := range w.deeds {
			if want := fmt.Sprintf("%d->%d", i, i+1); deed[2:] != want {
				t.Fatalf("deed %d is %q, want %s: an action was doubled or lost", i, deed, want)
			}
		}
		// Two hand-overs. A standby looks every 2 to 4.4 s (retry and its jitter of 1.2): it
		// sees the last renewal up to 4.4 s late, waits out the lease of 15 s, and looks
		// again up to 4.4 s later.
		if n < 120-2*24 {
			t.Errorf("%d deeds in 120 s", n)
		}
		cancel()
		done.Wait()
	})
}

// TestSuspendedLeader: a replica that was stopped while it led wakes up and still
// believes to lead. The record of the new leader keeps it from acting.
func TestSuspendedLeader(t *testing.T) {
	c, w := newCluster(), &world{}
	a, b := c.elector(t, "a"), c.elector(t, "b")
	for _, e := range []*Elector{a, b} {
		e.holds = func() bool { return true } // neither sees what the other wrote
	}
	a.set(true)
	if _, err := a.Taken(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Gate(actor{"a", w}).Scale(t.Context(), action(1)); err != nil {
		t.Fatal(err)
	}
	b.set(true) // b took over, though a never noticed
	taken, err := b.Taken(t.Context())
	if want := acts.Of(ptr(action(1))); err != nil || !slices.Equal(taken, []acts.Act{want}) {
		t.Fatalf("the new leader knows of %+v, want %+v: %v", taken, want, err)
	}
	if err := b.Gate(actor{"b", w}).Scale(t.Context(), action(2)); err != nil {
		t.Fatal(err)
	}
	err = a.Gate(actor{"a", w}).Scale(t.Context(), action(2))
	if !errors.Is(err, live.ErrStandby) {
		t.Errorf("the old leader: %v, want %v", err, live.ErrStandby)
	}
	if want := []string{"a 1->2", "b 2->3"}; !slices.Equal(w.deeds, want) {
		t.Errorf("deeds %q, want %q", w.deeds, want)
	}
	// It learns what happened, and what it then does is recorded again.
	if taken, err := a.Taken(t.Context()); err != nil || len(taken) != 2 {
		t.Errorf("%+v, %v", taken, err)
	}
}

func ptr(a live.Action) *live.Action { return &a }

// TestStandbyDryRun: who does not lead may look.
func TestStandbyDryRun(t *testing.T) {
	c, w := newCluster(), &world{}
	g := c.elector(t, "a").Gate(actor{"a", w})
	if err := g.Scale(t.Context(), action(1)); !errors.Is(err, live.ErrStandby) {
		t.Error(err)
	}
	dry := action(1)
	dry.DryRun = true
	if err := g.Scale(t.Context(), dry); err != nil || len(w.deeds) != 1 {
		t.Error(err, w.deeds)
	}
}

// TestBookIsBounded: old acts are dropped.
func TestBookIsBounded(t *testing.T) {
	var list []acts.Act
	for i := range 2000 {
		list = trim(append(list, acts.Act{At: int64(i) * int64(time.Minute)}))
	}
	if len(list) != maxActs || list[maxActs-1].At != 1999*int64(time.Minute) {
		t.Errorf("%d acts", len(list))
	}
	if list = trim(append(list, acts.Act{At: 1e18})); len(list) != 1 {
		t.Errorf("%d acts, one of which is recent", len(list))
	}
}

// TestOptions: what is missing is said at once.
func TestOptions(t *testing.T) {
	c := kubefake.New()
	good := Options{Client: c, Namespace: "n", Name: "x", Identity: "a"}
	for _, change := range []func(*Options){
		func(o *Options) { o.Client = nil }, func(o *Options) { o.Namespace = "" }, func(o *Options) { o.Name = "" }, func(o *Options) { o.Identity = "" },
		func(o *Options) { o.Duration = 1500 * time.Millisecond }, func(o *Options) { o.Renew = 20 * time.Second }, func(o *Options) { o.Retry = -1 },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}
