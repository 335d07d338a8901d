//go:build unix

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// Account is a service account with rights in one namespace.
type Account struct {
	User       string // as the audit log names it
	Kubeconfig string // file
}

// AddAccount creates what an RBAC manifest of a kustomization says, in a namespace, and
// a token for the account in it.
func (c *Cluster) AddAccount(ctx context.Context, namespace, manifest string) (*Account, error) {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	a := &Account{}
	rbac := c.Admin.RbacV1()
	for dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest, err)
		}
		object, kind, err := scheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest, err)
		}
		switch o := object.(type) {
		case *corev1.ServiceAccount:
			a.User = "system:serviceaccount:" + namespace + ":" + o.Name
			_, err = c.Admin.CoreV1().ServiceAccounts(namespace).Create(ctx, o, metav1.CreateOptions{})
		case *rbacv1.Role:
			_, err = rbac.Roles(namespace).Create(ctx, o, metav1.CreateOptions{})
		case *rbacv1.RoleBinding:
			for i := range o.Subjects {
				o.Subjects[i].Namespace = namespace // as kustomize does
			}
			_, err = rbac.RoleBindings(namespace).Create(ctx, o, metav1.CreateOptions{})
		default:
			err = fmt.Errorf("%s: %s is not expected here", manifest, kind.Kind)
		}
		if err != nil {
			return nil, err
		}
	}
	name := a.User[strings.LastIndexByte(a.User, ':')+1:]
	hour := int64(3600)
	t, err := c.Admin.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour}}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	a.Kubeconfig, err = c.Kubeconfig(namespace+"-"+name+".kubeconfig", t.Status.Token)
	return a, err
}

// Deploy creates a deployment and waits until its pods are ready.
func (c *Cluster) Deploy(ctx context.Context, namespace, name string, replicas int32) error {
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	d.Spec = appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "none"}}}}}
	if _, err := c.Admin.AppsV1().Deployments(namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		return err
	}
	return c.Ready(ctx, namespace, name, replicas)
}

// Ready waits until a deployment wants n replicas and all of them are ready.
func (c *Cluster) Ready(ctx context.Context, namespace, name string, n int32) error {
	return Poll(ctx, fmt.Sprintf("%d ready replicas of %s/%s", n, namespace, name), func() (bool, error) {
		d, err := c.Admin.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return *d.Spec.Replicas == n && d.Status.ReadyReplicas == n, nil
	})
}

// Request is one line of the API server's audit log.
type Request struct {
	Verb string
	User struct{ Username string }
	Ref  struct{ Resource, Namespace, Name, Subresource string } `json:"objectRef"`
	Code struct{ Code int }                                      `json:"responseStatus"`
}

// Requests are the writes of a user, by the API server's own log.
func (c *Cluster) Requests(user string) ([]Request, error) {
	text, err := os.ReadFile(c.AuditLog)
	if err != nil {
		return nil, err
	}
	var out []Request
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var r Request
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", c.AuditLog, err)
		}
		if r.User.Username == user {
			out = append(out, r)
		}
	}
}
