package synth

import (
	"fmt"
	"time"
)

// newIndependent is calls that are all roots.
func newIndependent(c *Config, r *rng) *system {
	s := &system{calls: make([]call, c.Calls)}
	roots := make([]int32, c.Calls)
	for i := range s.calls {
		s.calls[i].service = fmt.Sprintf("service-%02d", i)
		s.calls[i].operation = fmt.Sprintf("operation-%02d", i)
		roots[i] = int32(i)
	}
	s.drawSelfTimes(c, r)
	s.setClasses(roots, func(int) float64 { return 1 })
	return s
}

// otelgenServices are the services of otelgen v0.5.2's microservices scenario.
var otelgenServices = []string{
	"analytics_service", "api_gateway", "auth_service", "cache_service", "config_service",
	"inventory_service", "logging_service", "monitoring_service", "notification_service",
	"order_service", "payment_service", "product_service", "recommendation_service",
	"search_service", "shipping_service", "user_service",
}

// newMicroservices is otelgen's scenario: a root, one request in it, and in that
// 100 operations in sequence, each of a random service.
func newMicroservices() *system {
	s := &system{calls: []call{
		overhead("microservices", "microservices", 50*time.Microsecond),
		overhead("api_gateway", "complex_request", 100*time.Microsecond),
	}}
	var operations []int32
	for _, name := range otelgenServices {
		operations = append(operations, int32(len(s.calls)))
		s.calls = append(s.calls, call{
			service: name, operation: name + "_operation",
			uniform: int64(100 * time.Millisecond), errorRate: 0.1,
		})
	}
	s.calls[0].steps = []step{{{to: []int32{1}, p: 1}}}
	for range 100 {
		s.calls[1].steps = append(s.calls[1].steps, step{{to: operations, p: 1}})
	}
	s.setClasses([]int32{0}, func(int) float64 { return 1 })
	return s
}

// newWebMobile is otelgen's scenario: root, request, and three operations in
// sequence. There each operation is the child of the one before it and starts
// after it has ended; here, where children lie within parents, they are siblings.
// Durations are the same.
func newWebMobile() *system {
	s := &system{calls: []call{
		overhead("web-mobile", "web_mobile", 60*time.Microsecond),
		overhead("web-mobile", "client_request", 100*time.Microsecond),
		{service: "web-server", operation: "web_server", uniform: int64(50 * time.Millisecond)},
		{service: "data-service", operation: "app_endpoint", uniform: int64(100 * time.Millisecond)},
		{service: "web-server", operation: "database_query", uniform: int64(75 * time.Millisecond)},
	}}
	s.calls[0].steps = []step{{{to: []int32{1}, p: 1}}}
	for c := int32(2); c < 5; c++ {
		s.calls[1].steps = append(s.calls[1].steps, step{{to: []int32{c}, p: 1}})
	}
	s.setClasses([]int32{0}, func(int) float64 { return 1 })
	return s
}

// newSingle is what otelgen sends for a scenario that it does not know.
func newSingle() *system {
	s := &system{calls: []call{overhead("single", "single", 10*time.Microsecond)}}
	s.setClasses([]int32{0}, func(int) float64 { return 1 })
	return s
}

// overhead is a call that does nothing but make calls.
func overhead(service, operation string, median time.Duration) call {
	return call{service: service, operation: operation, mu: log(float64(median)), sigma: 0.25}
}
