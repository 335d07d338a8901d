package secure

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

// Defaults of the limits.
const (
	DefaultMaxConnections = 256
	DefaultMaxMessage     = 4 << 20 // gRPC's own, and the Collector's
	DefaultMaxStreams     = 32      // of a connection
	DefaultIdle           = 15 * time.Minute
)

// Options of the listeners of one process. The zero value is plain text, for
// loopback only.
type Options struct {
	// CertFile and KeyFile are the server's certificate chain and key, PEM. Both or
	// neither.
	CertFile, KeyFile string
	// ClientCAFile holds the authorities (PEM) of which every peer needs a
	// certificate. Needs CertFile.
	ClientCAFile string
	// TokenFile holds bearer tokens, one a line; blank lines and those that start
	// with # do not count. A peer needs one of them, and a certificate too if
	// ClientCAFile says so.
	TokenFile string
	// AllowInsecure permits listeners off loopback that do not know who speaks.
	AllowInsecure bool
	// MaxConnections at a time a listener; more wait in the system's backlog. Default
	// DefaultMaxConnections.
	MaxConnections int
	// MaxMessage is the largest message in bytes, decompressed. Default
	// DefaultMaxMessage.
	MaxMessage int
	// MaxStreams is how many calls one gRPC connection may have open. Default
	// DefaultMaxStreams.
	MaxStreams int
	// Idle is how long a connection may do nothing, and after how long a silent peer is
	// asked for a sign of life. Default DefaultIdle.
	Idle time.Duration
}

func (o Options) withDefaults() Options {
	if o.MaxConnections <= 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = DefaultMaxStreams
	}
	if o.Idle <= 0 {
		o.Idle = DefaultIdle
	}
	return o
}

// Server is what Options say, read and checked. Safe for concurrent use.
type Server struct {
	opt    Options
	tls    *tls.Config // nil: plain text
	tokens [][sha256.Size]byte
}

// Load reads the files that o names.
func Load(o Options) (*Server, error) {
	s := &Server{opt: o.withDefaults()}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("secure: a certificate and its key come together: give both files, or none")
	}
	if o.ClientCAFile != "" && o.CertFile == "" {
		return nil, errors.New("secure: peers can show certificates only over TLS: give a certificate and key, too")
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("secure: %s, %s: %w", o.CertFile, o.KeyFile, err)
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if o.ClientCAFile != "" {
		pool, err := readCAs(o.ClientCAFile)
		if err != nil {
			return nil, err
		}
		s.tls.ClientCAs, s.tls.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	if o.TokenFile != "" {
		tokens, err := readTokens(o.TokenFile)
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			s.tokens = append(s.tokens, sha256.Sum256([]byte(t)))
		}
	}
	return s, nil
}

// readCAs reads a file of PEM certificates.
func readCAs(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("secure: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("secure: %s: no certificate in it; want PEM, -----BEGIN CERTIFICATE-----", file)
	}
	return pool, nil
}

// minToken is the shortest token that is taken: less can be guessed.
const minToken = 16

func readTokens(file string) ([]string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("secure: %w", err)
	}
	var tokens []string
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(line) < minToken || strings.ContainsAny(line, " \t") {
			return nil, fmt.Errorf("secure: %s:%d: want a token of at least %d characters without blanks, alone on its line", file, i+1, minToken)
		}
		tokens = append(tokens, line)
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("secure: %s: no token in it; want one a line", file)
	}
	return tokens, nil
}

// TLS says whether the listeners speak TLS.
func (s *Server) TLS() bool { return s.tls != nil }

// MaxMessage is the largest message in bytes that the servers take.
func (s *Server) MaxMessage() int { return s.opt.MaxMessage }

// Authenticates says whether every peer proves who it is, and nobody between can
// read how.
func (s *Server) Authenticates() bool {
	return s.tls != nil && (s.tls.ClientCAs != nil || len(s.tokens) > 0)
}

// Authorized says whether the value of an Authorization header is that of a peer
// who may speak; without tokens everyone may. The time it takes does not depend on
// how much of a token is right.
func (s *Server) Authorized(header string) bool {
	if len(s.tokens) == 0 {
		return true
	}
	scheme, token, _ := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := 0
	for i := range s.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], s.tokens[i][:])
	}
	return found == 1 && strings.EqualFold(scheme, "bearer")
}

// Listen opens addr, "host:port", for TCP. Who may connect is checked by what GRPC
// and HTTP make, not by the listener; it bounds connections, and refuses to exist
// where peers would be unknown.
func (s *Server) Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("secure: listen on %q: want host:port: %w", addr, err)
	}
	if !s.Authenticates() && !s.opt.AllowInsecure && !loopback(host) {
		return nil, fmt.Errorf("secure: listen on %s: anyone who reaches it could steer the autoscaler; "+
			"give a certificate with client authorities or tokens, listen on 127.0.0.1, or allow it explicitly", addr)
	}
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("secure: %w", err)
	}
	return netutil.LimitListener(lis, s.opt.MaxConnections), nil
}

// loopback says whether host cannot be reached from elsewhere. Of names only
// "localhost" is believed; "" is every interface.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
