package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	ossignal "os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"

	"github.com/scale-eval/scale-eval/live/keda"
	"github.com/scale-eval/scale-eval/live/ops"
	"github.com/scale-eval/scale-eval/live/otlp"
	"github.com/scale-eval/scale-eval/live/secure"
	"github.com/scale-eval/scale-eval/live/signal"
	"github.com/scale-eval/scale-eval/live/status"
	"github.com/scale-eval/scale-eval/live/stream"
	"github.com/scale-eval/scale-eval/live/training"
)

// servers are the listeners of a process.
type servers struct {
	grpcs []*grpc.Server
	https []*http.Server
	stop  chan struct{} // closed: the forwarder sends what waits and ends
	hup   chan os.Signal
	wait  sync.WaitGroup
	sent  sync.WaitGroup // the forwarder
	// giveUp ends the forwarder, whatever still waits; nil: there is none.
	giveUp context.CancelFunc
}

// forwarder adds --forward to the outputs. It is started by run.
func (p *process) forwarder(o *otlp.Options) error {
	addr := p.c.String("forward")
	if p.processor || addr == "" {
		return nil
	}
	client, err := secure.LoadClient(secure.ClientOptions{})
	if err != nil {
		return err
	}
	conn, err := dial(client, addr)
	if err != nil {
		return usagef("--forward %s: %w", addr, err)
	}
	p.forward = otlp.NewForwarder(conn, otlp.ForwardOptions{})
	o.Outputs = append(o.Outputs, p.forward)
	return nil
}

func dial(client *secure.Client, addr string) (*grpc.ClientConn, error) {
	opts, err := client.GRPC(addr)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(addr, opts...)
}

// run serves until ctx ends, then drains.
func (p *process) run(ctx context.Context) error {
	s := &servers{stop: make(chan struct{}), hup: make(chan os.Signal, 1)}
	ossignal.Notify(s.hup, syscall.SIGHUP) // first of all: a hang-up otherwise ends the process
	defer ossignal.Stop(s.hup)
	background, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	failed := make(chan error, 8)
	if err := p.listen(s, failed); err != nil {
		p.end(s)
		return err
	}
	if p.forward != nil {
		// It outlives what else runs in the background: the last exports are judged later.
		sending, giveUp := context.WithCancel(context.WithoutCancel(ctx))
		defer giveUp()
		s.giveUp = giveUp
		s.sent.Go(func() { p.forward.Run(sending, s.stop) })
	}
	election, resign := context.WithCancel(background)
	defer resign()
	var elected sync.WaitGroup
	if p.backend.elector != nil {
		elected.Go(func() { p.backend.elector.Run(election) })
	}
	p.background(background, s, failed)
	var err error
	select {
	case <-ctx.Done():
		p.log.Info("ending", "bound", p.c.Duration("drain"))
	case err = <-failed:
		p.log.Error("ending", "error", err)
	}
	cancel(errEnding)
	err = errors.Join(err, p.end(s))
	resign() // only when nothing acts any more
	elected.Wait()
	s.wait.Wait()
	return err
}

var errEnding = errors.New("the process ends")

// listen opens the listeners and says where they are.
func (p *process) listen(s *servers, failed chan<- error) error {
	sec, err := secure.Load(listenerOptions(p.c))
	if err != nil {
		return usageError{err}
	}
	if !p.processor {
		srv := otlp.NewServer(sec, p.stage)
		p.hub.Register(srv)
		if err := p.serveGRPC(s, sec, failed, "OTLP/gRPC and the stream", p.c.String("listen"), srv); err != nil {
			return err
		}
		if err := p.serveHTTP(s, sec, failed, "OTLP/HTTP", p.c.String("http"), p.stage.Handler(sec.MaxMessage())); err != nil {
			return err
		}
	}
	if sig := p.backend.signal; sig != nil {
		srv := grpc.NewServer(sec.GRPC(nil)...)
		keda.Register(srv, sig, p.c.Duration("tick"))
		if err := p.serveGRPC(s, sec, failed, "KEDA", p.c.String("keda"), srv); err != nil {
			return err
		}
		if err := p.serveHTTP(s, sec, failed, "external metrics", p.c.String("external-metrics"), signal.ExternalMetrics(sig)); err != nil {
			return err
		}
	}
	if err := p.plain(s, failed, "status, metrics and health", p.c.String("admin"), p.adminHandler()); err != nil {
		return err
	}
	return p.plain(s, failed, "pprof", p.c.String("pprof"), pprofHandler())
}

func (p *process) serveGRPC(s *servers, sec *secure.Server, failed chan<- error, what, addr string, srv *grpc.Server) error {
	if addr == "" {
		return nil
	}
	lis, err := sec.Listen(addr)
	if err != nil {
		return err
	}
	s.grpcs = append(s.grpcs, srv)
	s.wait.Go(func() { report(failed, srv.Serve(lis)) })
	p.log.Info("listening", "for", what, "address", lis.Addr().String())
	return nil
}

func (p *process) serveHTTP(s *servers, sec *secure.Server, failed chan<- error, what, addr string, h http.Handler) error {
	if addr == "" {
		return nil
	}
	lis, err := sec.Listen(addr)
	if err != nil {
		return err
	}
	srv := sec.HTTP(h)
	s.https = append(s.https, srv)
	s.wait.Go(func() { report(failed, secure.Serve(srv, lis)) })
	p.log.Info("listening", "for", what, "address", lis.Addr().String())
	return nil
}

// plain serves h without TLS: on loopback, or where --admin-any says so.
func (p *process) plain(s *servers, failed chan<- error, what, addr string, h http.Handler) error {
	if addr == "" {
		return nil
	}
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	s.https = append(s.https, srv)
	s.wait.Go(func() { report(failed, secure.Serve(srv, lis)) })
	p.log.Info("listening", "for", what, "address", lis.Addr().String())
	return nil
}

func report(failed chan<- error, err error) {
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		select {
		case failed <- err:
		default:
		}
	}
}

func (p *process) adminHandler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(p.metrics, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	health := ops.Health{Board: &p.board, Stale: 10*p.c.Duration("tick") + 2*p.c.Duration("act-timeout"), Now: time.Now}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", health.Alive)
	mux.HandleFunc("GET /readyz", health.Ready)
	mux.Handle("GET /", status.Handler(func() any { return p.board.View() }))
	return mux
}

func pprofHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}

// background starts what runs beside the listeners until ctx ends.
func (p *process) background(ctx context.Context, s *servers, failed chan<- error) {
	every := func(d time.Duration, f func()) {
		s.wait.Go(func() {
			t := time.NewTicker(d)
			defer t.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-t.C:
					_ = p.stage.Do(ctx, f) // it errs when the process ends
				}
			}
		})
	}
	_ = p.stage.Do(ctx, p.publish)
	if _, err := releaseStartPages(); err != nil {
		p.log.Debug("what the start needed stays in memory", "error", err)
	}
	every(p.c.Duration("tick"), func() { p.tick(ctx) })
	every(p.c.Duration("snapshot-every"), func() { p.snapshot(ctx, p.stage) })
	s.wait.Go(func() {
		watchRules(ctx, p.c.String("rules"), s.hup, func() { p.reload(ctx) })
	})
	if p.trainer != nil {
		s.wait.Go(func() { p.trainer.Run(ctx, func(t *training.Trained) { p.use(ctx, t) }) })
	}
	if p.processor {
		s.wait.Go(func() {
			if err := p.follow(ctx); ctx.Err() == nil {
				report(failed, fmt.Errorf("following %s: %w", p.c.String("from"), err))
			}
		})
	}
}

// follow takes the spans of another process.
func (p *process) follow(ctx context.Context) error {
	client, err := secure.LoadClient(secure.ClientOptions{CAFile: p.c.String("from-ca"), TokenFile: p.c.String("from-token-file")})
	if err != nil {
		return err
	}
	conn, err := dial(client, p.c.String("from"))
	if err != nil {
		return err
	}
	defer conn.Close()
	return stream.Follow(ctx, conn, stream.FollowOptions{
		Name:      replicaName(p.c),
		Connected: func() { p.log.Info("following", "sampler", p.c.String("from")) },
		Lost:      func(err error) { p.log.Warn("the sampler is away", "error", err) },
	}, func(r stream.Received) error {
		if r.Missed > 0 {
			p.log.Warn("spans were missed", "spans", r.Missed)
		}
		_, err := p.stage.Export(ctx, r.Data)
		var refused *otlp.Refusal
		if errors.As(err, &refused) && ctx.Err() == nil {
			p.log.Warn("spans were refused", "error", err)
			return nil
		}
		return err
	})
}

// end takes nothing more, answers what waits, writes the last snapshot and closes
// everything, within --drain.
func (p *process) end(s *servers) error {
	bound, cancel := context.WithTimeout(context.Background(), p.c.Duration("drain"))
	defer cancel()
	_ = p.stage.Do(bound, func() { p.draining = true; p.publish() })
	err := p.stage.Drain(bound)
	if err != nil {
		err = fmt.Errorf("drain: some senders were told to come again: %w", err)
	}
	close(s.stop)
	sent := make(chan struct{})
	go func() { s.sent.Wait(); close(sent) }()
	select {
	case <-sent:
	case <-bound.Done():
		if s.giveUp != nil {
			s.giveUp()
			<-sent
		}
	}
	if p.forward != nil {
		if st := p.forward.Stats(); st.Dropped > 0 {
			p.log.Warn("sampled spans were not forwarded", "spans", st.Dropped, "to", p.c.String("forward"))
		}
	}
	if p.hub != nil {
		p.hub.Close()
	}
	for _, srv := range s.grpcs {
		stopGRPC(bound, srv)
	}
	for _, srv := range s.https {
		if srv.Shutdown(bound) != nil {
			srv.Close()
		}
	}
	p.snapshot(bound, nobody{})
	if p.recorder != nil {
		err = errors.Join(err, p.recorder.Close())
	}
	if p.tracing.close(bound) != nil {
		p.log.Warn("the last spans about this process were not sent", "to", p.c.String("trace-to"))
	}
	p.close()
	c := p.stage.Counters()
	p.log.Info("ended", "spans", c.Spans, "sampled", c.Sampled, "exports", c.Exports)
	return err
}

func stopGRPC(bound context.Context, srv *grpc.Server) {
	done := make(chan struct{})
	go func() { srv.GracefulStop(); close(done) }()
	select {
	case <-done:
	case <-bound.Done():
		srv.Stop()
		<-done
	}
}
