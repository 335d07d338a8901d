package signal

import (
	"encoding/json"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"

	"github.com/scale-eval/scale-eval/live"
)

// Metric is the name of the metric, and group the API's path.
const (
	Metric = "scale-eval-replicas"
	group  = "/apis/external.metrics.k8s.io/v1beta1"
)

// ExternalMetrics is the API external.metrics.k8s.io, for a plain
// HorizontalPodAutoscaler with
//
//	external: {metric: {name: scale-eval-replicas, selector: {matchLabels: {name: cart}}}, target: {type: AverageValue, averageValue: 1}}
//
// Labels of the selector: name (required), kind (default deployment). The namespace
// is that of the autoscaler. Registered with an APIService; the aggregator in front
// authenticates itself by a client certificate.
func ExternalMetrics(s *Signal) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+group, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: v1beta1.SchemeGroupVersion.String(),
			APIResources: []metav1.APIResource{{Name: Metric, Namespaced: true, Kind: "ExternalMetricValueList", Verbs: metav1.Verbs{"get"}}},
		})
	})
	mux.HandleFunc("GET "+group+"/namespaces/{namespace}/{metric}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("metric") != Metric {
			fail(w, http.StatusNotFound, metav1.StatusReasonNotFound, "no metric "+r.PathValue("metric")+"; the only one is "+Metric)
			return
		}
		set, err := labels.ConvertSelectorToLabelsMap(r.URL.Query().Get("labelSelector"))
		if err != nil || set["name"] == "" {
			fail(w, http.StatusBadRequest, metav1.StatusReasonBadRequest, "want a selector with matchLabels name and, unless it is a deployment, kind")
			return
		}
		t := live.Target{Kind: "deployment", Namespace: r.PathValue("namespace"), Name: set["name"]}
		if set["kind"] != "" {
			t.Kind = set["kind"]
		}
		n, _, err := s.Value(r.Context(), t)
		if err != nil {
			fail(w, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, v1beta1.ExternalMetricValueList{
			TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: v1beta1.SchemeGroupVersion.String()},
			Items:    []v1beta1.ExternalMetricValue{{MetricName: Metric, MetricLabels: set, Timestamp: metav1.NewTime(time.Now()), Value: *resource.NewQuantity(int64(n), resource.DecimalSI)}},
		})
	})
	return mux
}

func fail(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	answer(w, code, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the caller went away
}
