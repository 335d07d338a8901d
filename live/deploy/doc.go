// Package deploy holds what runs live mode in a cluster: Dockerfile, Helm chart,
// kustomize base, Grafana dashboard and alert rules. Its tests hold them to the
// program: rights, flags and metric names.
package deploy
