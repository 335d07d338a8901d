package secure

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

const token = "0123456789abcdef-token"

// authority signs certificates for the tests.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes name.crt and name.key.
func (a *authority) sign(t *testing.T, name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	a.next++
	c.SerialNumber, c.Subject = big.NewInt(a.next), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	check(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	check(t, err)
	write(t, a.file(name, "crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, a.file(name, "key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	return cert, key
}

func (a *authority) leaf(t *testing.T, name string) {
	a.sign(t, name, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) file(name, ext string) string { return filepath.Join(a.dir, name+"."+ext) }

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	check(t, os.WriteFile(file, b, 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhoMaySpeak is every pairing of what a server asks for and what a client
// shows, over gRPC and HTTP on loopback.
func TestWhoMaySpeak(t *testing.T) {
	ours, theirs := newAuthority(t, "ca"), newAuthority(t, "other")
	ours.leaf(t, "server")
	ours.leaf(t, "client")
	theirs.leaf(t, "client")
	good, bad := filepath.Join(t.TempDir(), "t"), filepath.Join(t.TempDir(), "t")
	write(t, good, []byte("# of the Collector\n\n"+token+"\nanother-token-that-counts\n"))
	write(t, bad, []byte(token+"x\n"))

	servers := map[string]Options{
		"plain": {},
		"token": {TokenFile: good},
		"tls":   {CertFile: ours.file("server", "crt"), KeyFile: ours.file("server", "key")},
		"mtls":  {CertFile: ours.file("server", "crt"), KeyFile: ours.file("server", "key"), ClientCAFile: ours.file("ca", "crt")},
		"both":  {CertFile: ours.file("server", "crt"), KeyFile: ours.file("server", "key"), ClientCAFile: ours.file("ca", "crt"), TokenFile: good},
	}
	tlsTo := func(o ClientOptions) ClientOptions { o.CAFile = ours.file("ca", "crt"); return o }
	cert := ClientOptions{CertFile: ours.file("client", "crt"), KeyFile: ours.file("client", "key")}
	clients := map[string]ClientOptions{
		"plain":        {},
		"token":        {TokenFile: good},
		"wrong token":  {TokenFile: bad},
		"tls":          tlsTo(ClientOptions{}),
		"tls+token":    tlsTo(ClientOptions{TokenFile: good}),
		"cert":         tlsTo(cert),
		"foreign cert": tlsTo(ClientOptions{CertFile: theirs.file("client", "crt"), KeyFile: theirs.file("client", "key")}),
		"cert+token":   tlsTo(ClientOptions{CertFile: cert.CertFile, KeyFile: cert.KeyFile, TokenFile: good}),
		"no authority": {TLS: true},
	}
	welcome := map[string]string{
		"plain": "plain, token, wrong token",
		"token": "token",
		"tls":   "tls, tls+token, cert, foreign cert, cert+token",
		"mtls":  "cert, cert+token",
		"both":  "cert+token",
	}
	for s, so := range servers {
		server, err := Load(so)
		check(t, err)
		addr, web := serve(t, server)
		for c, co := range clients {
			want := contains(welcome[s], c)
			client, err := LoadClient(co)
			check(t, err)
			if err := callGRPC(t, client, addr); (err == nil) != want {
				t.Errorf("gRPC, server %s, client %s: %v", s, c, err)
			}
			if err := callHTTP(t, client, web, server.TLS()); (err == nil) != want {
				t.Errorf("HTTP, server %s, client %s: %v", s, c, err)
			}
		}
	}
}

func contains(list, name string) bool {
	for _, s := range strings.Split(list, ", ") {
		if s == name {
			return true
		}
	}
	return false
}

// serve runs a gRPC and an HTTP server until the test ends.
func serve(t *testing.T, s *Server) (grpcAddr, httpAddr string) {
	t.Helper()
	lis, err := s.Listen("127.0.0.1:0")
	check(t, err)
	g := grpc.NewServer(s.GRPC(nil)...)
	healthpb.RegisterHealthServer(g, health.NewServer())
	go g.Serve(lis)
	t.Cleanup(g.Stop)

	web, err := s.Listen("localhost:0")
	check(t, err)
	h := s.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "in") }))
	h.ErrorLog = nil
	served := make(chan error, 1)
	go func() { served <- Serve(h, web) }()
	t.Cleanup(func() {
		h.Close()
		check(t, <-served)
	})
	return lis.Addr().String(), web.Addr().String()
}

func callGRPC(t *testing.T, c *Client, addr string) error {
	opts, err := c.GRPC(addr)
	check(t, err)
	conn, err := grpc.NewClient(addr, opts...)
	check(t, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	return err
}

func callHTTP(t *testing.T, c *Client, addr string, tls bool) error {
	scheme := "http"
	if tls {
		scheme = "https"
	}
	if c.tls != nil && !tls {
		scheme = "https"
	}
	client := c.HTTP()
	defer client.CloseIdleConnections()
	res, err := client.Get(scheme + "://" + addr)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	if res.StatusCode != http.StatusOK || string(body) != "in" {
		return status.Errorf(codes.Unauthenticated, "%s: %s", res.Status, body)
	}
	return nil
}

func TestListenOffLoopback(t *testing.T) {
	ca := newAuthority(t, "ca")
	ca.leaf(t, "server")
	tokens := filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, []byte(token))
	withTLS := Options{CertFile: ca.file("server", "crt"), KeyFile: ca.file("server", "key")}
	for _, c := range []struct {
		name string
		opt  Options
		with func(*Options)
		ok   bool
	}{
		{"plain", Options{}, nil, false},
		{"token in the clear", Options{TokenFile: tokens}, nil, false},
		{"TLS, anyone", withTLS, nil, false},
		{"TLS and token", withTLS, func(o *Options) { o.TokenFile = tokens }, true},
		{"TLS and certificates", withTLS, func(o *Options) { o.ClientCAFile = ca.file("ca", "crt") }, true},
		{"told to", Options{AllowInsecure: true}, nil, true},
	} {
		if c.with != nil {
			c.with(&c.opt)
		}
		s, err := Load(c.opt)
		check(t, err)
		for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "0:0"} {
			lis, err := s.Listen(addr)
			if err == nil {
				lis.Close()
			}
			if !c.ok && (err == nil || !strings.Contains(err.Error(), "steer the autoscaler")) {
				t.Errorf("%s: listening on %q: %v, want a refusal that says why", c.name, addr, err)
			}
			if c.ok && err != nil && addr == ":0" {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		lis, err := s.Listen("127.0.0.1:0")
		check(t, err)
		lis.Close()
	}
}

// TestRefusedBeforeRead holds that the admission and the token come before the
// message: the handler, which fails the test, is never reached.
func TestRefusedBeforeRead(t *testing.T) {
	s, err := Load(Options{})
	check(t, err)
	lis, err := s.Listen("127.0.0.1:0")
	check(t, err)
	g := grpc.NewServer(append(s.GRPC(func(ctx context.Context, info *tap.Info) (context.Context, error) {
		return nil, status.Error(codes.ResourceExhausted, "full: "+info.FullMethodName)
	}), grpc.UnaryInterceptor(func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
		t.Error("the handler ran")
		return nil, nil
	}))...)
	healthpb.RegisterHealthServer(g, health.NewServer())
	go g.Serve(lis)
	defer g.Stop()
	client, err := LoadClient(ClientOptions{})
	check(t, err)
	if err := callGRPC(t, client, lis.Addr().String()); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
}

func TestTokenStaysHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, []byte(token))
	c, err := LoadClient(ClientOptions{TokenFile: file})
	check(t, err)
	if _, err := c.GRPC("collector.example:4317"); err == nil {
		t.Error("gRPC: a token in the clear to another machine")
	}
	if _, err := c.HTTP().Get("http://collector.example/"); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("HTTP: %v", err)
	}
	// Nor does it follow a redirect.
	s, err := Load(Options{})
	check(t, err)
	lis, err := s.Listen("127.0.0.1:0")
	check(t, err)
	h := s.HTTP(http.RedirectHandler("http://collector.example/", http.StatusFound))
	go Serve(h, lis)
	defer h.Close()
	res, err := c.HTTP().Get("http://" + lis.Addr().String())
	check(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Errorf("followed to %s", res.Status)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		f, err := os.CreateTemp(dir, "")
		check(t, err)
		defer f.Close()
		_, err = f.WriteString(text)
		check(t, err)
		return f.Name()
	}
	for want, o := range map[string]Options{
		"come together":           {CertFile: "x"},
		"only over TLS":           {ClientCAFile: "x"},
		"no-such":                 {CertFile: dir + "/no-such", KeyFile: dir + "/no-such"},
		"no token in it":          {TokenFile: file("# none\n\n")},
		":2: want a token of":     {TokenFile: file("\nshort\n")},
		"without blanks":          {TokenFile: file("0123456789 0123456789\n")},
		"no such file":            {TokenFile: dir + "/absent"},
		"failed to find any PEM ": {CertFile: file("not PEM"), KeyFile: file("not PEM")},
	} {
		if _, err := Load(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	if _, err := LoadClient(ClientOptions{CAFile: file("-----BEGIN")}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Error(err)
	}
}

func TestAuthorized(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, []byte(token+"\n"))
	s, err := Load(Options{TokenFile: file})
	check(t, err)
	for header, want := range map[string]bool{
		"Bearer " + token:       true,
		"bearer  " + token:      true,
		"":                      false,
		token:                   false,
		"Basic " + token:        false,
		"Bearer":                false,
		"Bearer " + token[:20]:  false,
		"Bearer " + token + "x": false,
	} {
		if s.Authorized(header) != want {
			t.Errorf("%q: %v, want %v", header, !want, want)
		}
	}
}
