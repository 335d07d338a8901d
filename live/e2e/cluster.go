//go:build unix

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is a Kubernetes control plane on loopback, with nodes of KWOK.
type Cluster struct {
	// Admin may do everything.
	Admin kubernetes.Interface
	// Config is how Admin gets there.
	Config *rest.Config
	// AuditLog is the API server's own: a JSON line for each write.
	AuditLog string

	run    *Run
	host   string // https://127.0.0.1:PORT
	ca     []byte
	token  string
	etcd   string
	binary string // of the API server
	server *Proc
	client *http.Client
	flags  []string
}

// ClusterOptions say what beside etcd and the API server is started.
type ClusterOptions struct {
	Nodes int // of KWOK, with scheduler and controllers; 0: none, only the API
}

// StartCluster builds and starts it, and waits until it works.
func StartCluster(ctx context.Context, b *Builder, r *Run, o ClusterOptions) (*Cluster, error) {
	c := &Cluster{run: r, token: rand.Text(), AuditLog: r.Path("apiserver-audit.jsonl")}
	if err := c.startEtcd(ctx, b); err != nil {
		return nil, err
	}
	var err error
	if c.binary, err = b.Build(ctx, "kube-apiserver"); err != nil {
		return nil, err
	}
	if err := c.prepareServer(); err != nil {
		return nil, err
	}
	if err := c.StartServer(ctx); err != nil {
		return nil, err
	}
	if c.Config, err = clientcmd.NewDefaultClientConfig(*c.config(c.token), nil).ClientConfig(); err != nil {
		return nil, err
	}
	c.Config.QPS, c.Config.Burst = 100, 200
	if c.Admin, err = kubernetes.NewForConfig(c.Config); err != nil {
		return nil, err
	}
	if o.Nodes == 0 {
		return c, nil
	}
	if err := c.startControllers(ctx, b); err != nil {
		return nil, err
	}
	return c, c.addNodes(ctx, o.Nodes)
}

func (c *Cluster) startEtcd(ctx context.Context, b *Builder) error {
	bin, err := b.Build(ctx, "etcd")
	if err != nil {
		return err
	}
	ports, err := Ports(2)
	if err != nil {
		return err
	}
	client, peer := "http://"+ports[0], "http://"+ports[1]
	c.etcd = client
	// Nothing here outlives a power cut anyway.
	p, err := c.run.Start("etcd", bin, "--data-dir", c.run.Path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer, "--log-level", "warn")
	if err != nil {
		return err
	}
	return WaitHTTP(ctx, http.DefaultClient, client+"/health", nil, p)
}

// prepareServer writes what the API server reads, and settles its flags.
func (c *Cluster) prepareServer() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	accounts, err := c.run.Write("service-accounts.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	if err != nil {
		return err
	}
	tokens, err := c.run.Write("tokens.csv", c.token+`,admin,admin,"system:masters"`+"\n")
	if err != nil {
		return err
	}
	policy, err := c.run.Write("audit-policy.yaml", `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: Metadata, verbs: [create, update, patch, delete]}
`)
	if err != nil {
		return err
	}
	ports, err := Ports(1)
	if err != nil {
		return err
	}
	c.host = "https://" + ports[0]
	port := ports[0][strings.LastIndexByte(ports[0], ':')+1:]
	c.flags = []string{"--etcd-servers", c.etcd, "--bind-address=127.0.0.1", "--secure-port", port, "--cert-dir", c.run.Path("certs"),
		"--service-cluster-ip-range=10.0.0.0/24", "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", accounts,
		"--service-account-signing-key-file", accounts, "--authorization-mode=RBAC", "--token-auth-file", tokens,
		"--audit-log-path", c.AuditLog, "--audit-policy-file", policy, "--endpoint-reconciler-type=none"}
	return nil
}

// StartServer starts the API server, again after [Cluster.StopServer], and waits until
// it is ready.
func (c *Cluster) StartServer(ctx context.Context) error {
	p, err := c.run.Start("kube-apiserver", c.binary, c.flags...)
	if err != nil {
		return err
	}
	// With etcd gone it would wait for minutes.
	c.server, p.patience = p, 15*time.Second
	if err := c.trust(ctx, p); err != nil {
		return err
	}
	return WaitHTTP(ctx, c.client, c.host+"/readyz", map[string]string{"Authorization": "Bearer " + c.token}, p)
}

// StopServer kills the API server. etcd keeps what it knew.
func (c *Cluster) StopServer() { c.server.Kill() }

// trust waits for the certificate that the server makes for itself at its first start.
func (c *Cluster) trust(ctx context.Context, p *Proc) error {
	file := c.run.Path("certs", "apiserver.crt")
	err := Poll(ctx, "the API server's certificate", func() (bool, error) {
		if p.Ended() {
			return false, fmt.Errorf("kube-apiserver ended: %s", p.Tail(5))
		}
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.HasSuffix(b, []byte("-----END CERTIFICATE-----\n")) {
			return false, nil
		}
		c.ca = b
		return true, err
	})
	if err != nil {
		return err
	}
	t, err := rest.TransportFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: c.ca}})
	c.client = &http.Client{Transport: t}
	return err
}

func (c *Cluster) config(token string) *clientcmdapi.Config {
	return &clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"e2e": {Server: c.host, CertificateAuthorityData: c.ca}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"e2e": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"e2e": {Cluster: "e2e", AuthInfo: "e2e"}},
		CurrentContext: "e2e",
	}
}

// Kubeconfig writes a file by which token's owner gets to the cluster.
func (c *Cluster) Kubeconfig(name, token string) (string, error) {
	path := c.run.Path(name)
	return path, clientcmd.WriteToFile(*c.config(token), path)
}

// AdminKubeconfig is that of Admin.
func (c *Cluster) AdminKubeconfig() (string, error) { return c.Kubeconfig("admin.kubeconfig", c.token) }

func (c *Cluster) startControllers(ctx context.Context, b *Builder) error {
	kubeconfig, err := c.AdminKubeconfig()
	if err != nil {
		return err
	}
	stages, err := c.stages(ctx, b)
	if err != nil {
		return err
	}
	ports, err := Ports(1)
	if err != nil {
		return err
	}
	args := map[string][]string{
		// Those that are left out want a cloud, or sign certificates for real nodes.
		"kube-controller-manager": {"--kubeconfig", kubeconfig, "--leader-elect=false", "--secure-port=0", "--service-account-private-key-file", c.run.Path("service-accounts.key"),
			"--horizontal-pod-autoscaler-sync-period=5s", "--controllers=*,-csrsigning,-nodeipam,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller"},
		"kube-scheduler": {"--kubeconfig", kubeconfig, "--leader-elect=false", "--secure-port=0"},
		"kwok": {"--kubeconfig", kubeconfig, "--manage-all-nodes=true", "--config", stages, "--node-ip=127.0.0.1",
			"--server-address", ports[0]},
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kwok"} {
		bin, err := b.Build(ctx, name)
		if err != nil {
			return err
		}
		if _, err := c.run.Start(name, bin, args[name]...); err != nil {
			return err
		}
	}
	return nil
}

// stages writes KWOK's own files of what its nodes and pods do: it has none built in.
func (c *Cluster) stages(ctx context.Context, b *Builder) (string, error) {
	dir, err := b.ModuleDir(ctx, "kwok", "sigs.k8s.io/kwok")
	if err != nil {
		return "", err
	}
	var all []string
	for _, set := range []string{"node/fast", "node/heartbeat", "pod/fast"} {
		files, err := filepath.Glob(filepath.Join(dir, "kustomize", "stage", set, "*.yaml"))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return "", err
			}
			if filepath.Base(f) != "kustomization.yaml" {
				all = append(all, string(text))
			}
		}
	}
	if len(all) < 4 {
		return "", fmt.Errorf("%d KWOK stages in %s: the module is laid out otherwise than it was", len(all), dir)
	}
	return c.run.Write("stages.yaml", strings.Join(all, "---\n"))
}

// addNodes adds nodes and waits until they are ready.
func (c *Cluster) addNodes(ctx context.Context, n int) error {
	for i := range n {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("kwok-%d", i), Labels: map[string]string{"type": "kwok"}}}
		if _, err := c.Admin.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return Poll(ctx, "ready nodes", func() (bool, error) {
		list, err := c.Admin.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		ready := 0
		for _, node := range list.Items {
			if slices.ContainsFunc(node.Status.Conditions, func(x corev1.NodeCondition) bool {
				return x.Type == corev1.NodeReady && x.Status == corev1.ConditionTrue
			}) {
				ready++
			}
		}
		return ready == n, nil
	})
}

// pollEvery is how often something that is waited for is looked at.
const pollEvery = 100 * time.Millisecond

// Poll waits until done says so, or errs, or ctx ends; what is waited for is what.
func Poll(ctx context.Context, what string, done func() (bool, error)) error {
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// WaitHTTP waits until url answers 200, or p, which serves it, has ended.
func WaitHTTP(ctx context.Context, client *http.Client, url string, header map[string]string, p *Proc) error {
	return Poll(ctx, p.Name+" at "+url, func() (bool, error) {
		if p.Ended() {
			return false, fmt.Errorf("%s ended: %w\n%s", p.Name, p.err, p.Tail(20))
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		for k, v := range header {
			req.Header.Set(k, v)
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, nil // not yet
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}
