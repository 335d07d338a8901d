package secure

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// GRPC are the options of a gRPC server behind Listen. admit, which may be nil, is
// asked of each authorized call before its message is read.
//
// The token is checked before the message is read, so a stranger costs a header.
func (s *Server) GRPC(admit tap.ServerInHandle) []grpc.ServerOption {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.opt.MaxMessage),
		grpc.MaxConcurrentStreams(uint32(s.opt.MaxStreams)),
		grpc.MaxHeaderListSize(maxHeader),
		grpc.ReadBufferSize(readBuffer),
		grpc.InitialWindowSize(window),
		grpc.InitialConnWindowSize(window),
		grpc.ConnectionTimeout(handshake),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: s.opt.Idle, Time: s.opt.Idle, Timeout: handshake}),
		// The Collector and the SDKs ping every 10 s if told to; more often is abuse.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
			if !s.Authorized(first(info.Header.Get("authorization"))) {
				return nil, status.Error(codes.Unauthenticated, unauthenticated)
			}
			if admit == nil {
				return ctx, nil
			}
			return admit(ctx, info)
		}),
	}
	if s.tls != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.tls.Clone())))
	}
	return opts
}

const (
	maxHeader = 16 << 10
	// readBuffer takes an export of a few hundred spans in one system call.
	readBuffer = 128 << 10
	// window is how many bytes a connection may send ahead of what is taken. gRPC's own
	// 64 kB is less than four such exports, so that each waits for updates, which cost
	// system calls at both ends; left alone it grows, by measuring, to 16 MB a connection.
	window          = 1 << 20
	handshake       = 10 * time.Second
	unauthenticated = "want a header authorization: Bearer with a token that this server knows"
)

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// HTTP is a server for a listener of Listen; [Serve] serves it.
func (s *Server) HTTP(h http.Handler) *http.Server {
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.Authorized(r.Header.Get("Authorization")) {
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, unauthenticated, http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		}),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: handshake,
		ReadTimeout:       time.Minute, // of a whole request: a slow sender must not hold a connection for ever
		IdleTimeout:       s.opt.Idle,
	}
	if s.tls != nil {
		srv.TLSConfig = s.tls.Clone()
	}
	return srv
}

// Serve serves srv, which HTTP made, on lis until it is shut down, which is not an
// error.
func Serve(srv *http.Server, lis net.Listener) error {
	var err error
	if srv.TLSConfig != nil {
		err = srv.ServeTLS(lis, "", "")
	} else {
		err = srv.Serve(lis)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
