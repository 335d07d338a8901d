package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const good = `version: 1
name: small
nodes:
  - {name: n, count: 2, zone: z, cpu: 8, memory: 32Gi}
services:
  - name: web
    pod: {cpu: 1, cpu_request: 1}
    operations:
      - name: get
        stages: [{cpu: 10ms, calls: [{service: db}]}]
  - name: db
    operations: [{name: query, stages: [{wait: {mean: 5ms, scv: 1}}]}]
clients:
  - name: users
    mix: [{call: {service: web}}]
    arrivals: {rps: 10}
  - name: people
    mix: [{call: {service: web}}]
    users: 5
    think: {exponential: 1s}
slos: [{client: users, latency: 100ms}]
events:
  - {at: 10s, for: 10s, slow: {service: db, factor: 3}}
targets: [{service: web, min: 1, max: 5}]
`

// TestBadFiles: an error names file, line and field and says what to do.
func TestBadFiles(t *testing.T) {
	if _, err := Parse("f", []byte(good), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown field", "rps: 10", "rpm: 10", "f:16:16: clients[0].arrivals.rpm: unknown field; did you mean rps?"},
		{"duplicate key", "name: small", "name: small\nname: other", "f:3:1: name: given twice"},
		{"wrong type", "cpu: 10ms", "cpu: [1]", "services[0].operations[0].stages[0].cpu: want fields (mean, scv, median, sigma, exponential, uniform), found a list"},
		{"not a duration", "cpu: 10ms", "cpu: fast", `f:10:24: services[0].operations[0].stages[0].cpu: want a duration such as 250ms, 5m or 3d, found "fast"`},
		{"NaN", "rps: 10", "rps: .nan", `f:16:21: clients[0].arrivals.rps: want requests per second, found ".nan"`},
		{"negative rate", "rps: 10", "rps: -10", "f:16:21: clients[0].arrivals.rps: want requests per second, 0 to 1e+08, found -10"},
		{"zero capacity of a node", "cpu: 8", "cpu: 0", `f:4:39: nodes[0].cpu: want cores such as 2 or 250m, found "0": no capacity`},
		{"zero capacity of a pod", "cpu: 1,", "cpu: 0,", `f:7:16: services[0].pod.cpu: want cores such as 2 or 250m, found "0": no capacity`},
		{"unknown service", "service: db}]", "service: bd}]", `f:10:48: services[0].operations[0].stages[0].calls[0].service: no service "bd"; want one of web, db`},
		{"unknown service in an event", "service: db, factor", "service: bd, factor", `events[0].slow.service: no service "bd"; want one of web, db`},
		{"unknown client", "client: users", "client: losers", `f:21:17: slos[0].client: no client "losers"`},
		{"unknown operation", "service: db}]", "service: db, operation: x}]", `calls[0].operation: service db has no operation "x"`},
		{"cycle", "{wait: {mean: 5ms, scv: 1}}", "{calls: [{service: web}]}", "f:14:5: clients[0]: a request makes more than 100000 visits, most of them by"},
		{"10^9 users", "users: 5", "users: 1000000000", "f:19:12: clients[1].users: 1e+09: want 0..1e+06"},
		{"10^12 users", "users: 5", "users: 1000000000000", "f:19:12: clients[1].users: want a whole number"},
		{"too many replicas", "name: web", "name: web\n    replicas: 99999", ": services: 100000 replicas in all: want at most 20000"},
		{"slow by nothing", ", factor: 3", "", "f:23:31: events[0].slow: want service and how much"},
		{"no verb", "slow: {service: db, factor: 3}", "", "f:23:5: events[0]: want at and one verb, found 0"},
		{"negative time", "at: 10s", "at: -10s", `events[0].at: want a duration such as 250ms, 5m or 3d, found "-10s"`},
		{"negative factor", "factor: 3", "factor: -3", "events[0].slow.factor: want a factor, 0.001 to 1e+06, found -3"},
		{"bounds", "min: 1, max: 5", "min: 6, max: 5", "targets[0]: want service, and min <= max"},
		{"version", "version: 1", "version: 2", "f:1:10: version: want 1, found 2"},
		{"two loads", "rps: 10", "rps: 10, rate: [{at: 0s, rps: 1}]", "clients[0].arrivals: want one of rps, rate, states and recorded"},
		{"order of points", "rps: 10", "rate: [{at: 5s, rps: 1}, {at: 1s, rps: 1}]", "clients[0].arrivals: rate: point 1"},
		{"no zone", "slow: {service: db, factor: 3}", "lose_zone: {zone: y}", `events[0].lose_zone: no node with the zone "y"`},
		{"syntax", "version: 1", "version: [1", "f:"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		s, err := Parse("f", []byte(text), Options{})
		var e *Error
		if err == nil || s != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := Parse("f", nil, Options{}); err == nil || !strings.Contains(err.Error(), "f: the file is empty; want version") {
		t.Errorf("%v", err)
	}
	if _, err := Load("nothing", Options{}); err == nil || !strings.Contains(err.Error(), "flash-crowd") {
		t.Errorf("%v", err)
	}
}

// FuzzParse: no file makes the reader panic or run away, and what it takes can start.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", text, Options{})
		if err != nil {
			return
		}
		if sys, _, err := s.Start(1, 1, nil); err != nil || sys == nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for i := range s.Targets[:min(3, len(s.Targets))] {
			s.Duration = min(s.Duration, 3600e9)
			s.Demand(s.Targets[i].Service, 1)
		}
		_ = fmt.Sprint(s.Timeline())
	})
}
