package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// ClientOptions say how to reach a peer. The zero value is plain text without a
// token.
type ClientOptions struct {
	// TLS speaks TLS with the system's authorities; CAFile and CertFile imply it.
	TLS bool
	// CAFile holds the authorities (PEM) to believe instead of the system's.
	CAFile string
	// CertFile and KeyFile are shown to a peer that asks for a certificate.
	CertFile, KeyFile string
	// ServerName is the name that the peer's certificate must have. Default: the host.
	ServerName string
	// TokenFile holds the bearer token to send; its first one counts. It is sent only
	// over TLS or to loopback.
	TokenFile string
}

// Client is what ClientOptions say, read and checked.
type Client struct {
	tls   *tls.Config // nil: plain text
	token string
}

// LoadClient reads the files that o names.
func LoadClient(o ClientOptions) (*Client, error) {
	c := &Client{}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("secure: a client certificate and its key come together: give both files, or none")
	}
	if o.TLS || o.CAFile != "" || o.CertFile != "" {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	}
	if o.CAFile != "" {
		pool, err := readCAs(o.CAFile)
		if err != nil {
			return nil, err
		}
		c.tls.RootCAs = pool
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("secure: %s, %s: %w", o.CertFile, o.KeyFile, err)
		}
		c.tls.Certificates = []tls.Certificate{cert}
	}
	if o.TokenFile != "" {
		tokens, err := readTokens(o.TokenFile)
		if err != nil {
			return nil, err
		}
		c.token = tokens[0]
	}
	return c, nil
}

// errClearToken is why a token is not sent.
var errClearToken = errors.New("secure: a token would go in the clear to a peer off loopback: use TLS")

// GRPC are the options to dial addr, "host:port", with.
func (c *Client) GRPC(addr string) ([]grpc.DialOption, error) {
	creds := insecure.NewCredentials()
	if c.tls != nil {
		creds = credentials.NewTLS(c.tls.Clone())
	}
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: handshake}),
	}
	if c.token == "" {
		return opts, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("secure: peer %q: want host:port: %w", addr, err)
	}
	if c.tls == nil && !loopback(host) {
		return nil, errClearToken
	}
	return append(opts, grpc.WithPerRPCCredentials(bearer{c.token, c.tls != nil})), nil
}

// bearer sends a token with each call.
type bearer struct {
	token  string
	secure bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }

// HTTP is a client that speaks as c says. It has no time-out: give each request a
// context.
func (c *Client) HTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if c.tls != nil {
		t.TLSClientConfig = c.tls.Clone()
	}
	return &http.Client{
		Transport: tokenTransport{t, c.token},
		// A redirect would carry the token to whoever it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type tokenTransport struct {
	next  http.RoundTripper
	token string
}

func (t tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.token == "" {
		return t.next.RoundTrip(r)
	}
	if !sealed(r.URL) {
		return nil, errClearToken
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+t.token)
	return t.next.RoundTrip(r)
}

// sealed says whether nobody on the way can read what is sent to u.
func sealed(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, "https") || loopback(u.Hostname())
}
