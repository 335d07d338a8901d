package story

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/scale-eval/scale-eval/live"
)

// options are the words of a command: key=value, and "" for the first bare one.
type options map[string]string

func parseOptions(words []string) (options, error) {
	o := options{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			key, value = "", w
		}
		if _, twice := o[key]; twice {
			return nil, fmt.Errorf("%q: given twice", w)
		}
		o[key] = value
	}
	return o, nil
}

func (o options) duration(key string) (time.Duration, error) {
	v, ok := o[key]
	if !ok {
		return 0, fmt.Errorf("want a time%s", map[bool]string{true: "", false: " " + key + "="}[key == ""])
	}
	return time.ParseDuration(v)
}

func (o options) count(key string) (int, error) {
	n, err := strconv.Atoi(o[key])
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%s: want a count", key, o[key])
	}
	return n, nil
}

func (o options) number(key string) (float64, error) {
	v, ok := o[key]
	if !ok {
		return 0, nil
	}
	return strconv.ParseFloat(v, 64)
}

// target sets up what the orchestrator answers.
func (s *stage) target(b *Block) error {
	if len(b.Args) == 0 {
		return errors.New("want a target")
	}
	t, err := parseTarget(b.Args[0])
	if err != nil {
		return err
	}
	switch b.Cmd {
	case "slow":
		s.orch.slow[t] = true
		return nil
	case "owned":
		s.orch.refuse[t] = fmt.Errorf("HorizontalPodAutoscaler %s: %w", t.Name, live.ErrOwned)
		return nil
	case "broken":
		s.orch.refuse[t] = errors.New("the API server is away")
		return nil
	}
	cur, err := s.orch.Current(context.Background(), t)
	if err != nil {
		return err
	}
	if b.Cmd == "replicas" {
		err = replicas(&cur, b.Args[1:])
	} else {
		err = resources(&cur, b.Args[1:])
	}
	s.orch.Set(t, cur)
	return err
}

func parseTarget(text string) (live.Target, error) {
	p := strings.Split(text, "/")
	switch len(p) {
	case 2:
		return live.Target{Kind: p[0], Name: p[1]}, nil
	case 3:
		return live.Target{Kind: p[0], Namespace: p[1], Name: p[2]}, nil
	}
	return live.Target{}, fmt.Errorf("%q: want kind/name or kind/namespace/name", text)
}

func replicas(s *live.State, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	if s.Replicas, err = o.count(""); err != nil {
		return err
	}
	s.Ready, s.Rolling = s.Replicas, false
	if _, ok := o["ready"]; ok {
		s.Ready, err = o.count("ready")
	}
	return err
}

func resources(s *live.State, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		key  string
		res  live.Resource
		unit int64
	}{{"cpu", live.CPU, 1}, {"memory", live.Memory, 1 << 20}} {
		text, ok := o[r.key]
		if !ok {
			continue
		}
		var request, limit int64
		if _, err := fmt.Sscanf(text, "%d/%d", &request, &limit); err != nil {
			return fmt.Errorf("%s=%s: want request/limit", r.key, text)
		}
		s.Resources = append(s.Resources, live.ResourceState{Container: o[""], Resource: r.res, Request: request * r.unit, Limit: limit * r.unit})
	}
	return nil
}

func (s *stage) usage(b *Block) error {
	o, err := parseOptions(b.Args)
	if err != nil {
		return err
	}
	at, err := o.duration("at")
	if err != nil {
		return err
	}
	u := live.Usage{At: s.zero.Add(at).UnixNano()}
	for key, to := range map[string]*float64{"cpu": &u.CPU, "memory": &u.Memory, "throttled": &u.Throttled, "busy": &u.Busy} {
		if *to, err = o.number(key); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	s.pipeline.SetUsage(o[""], u)
	return nil
}

// counters prints those that are not zero.
func (s *stage) counters() string {
	var out strings.Builder
	printCounters(&out, reflect.ValueOf(s.pipeline.Counters()))
	return out.String()
}

func printCounters(out *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Struct:
			printCounters(out, f)
		case f.Int() != 0:
			fmt.Fprintf(out, "%s %d\n", v.Type().Field(i).Tag.Get("json"), f.Int())
		}
	}
}

func (s *stage) stats() string {
	var out strings.Builder
	s.pipeline.Stats(func(c live.CallStats) {
		p99, err := c.Sketch.GetValueAtQuantile(0.99)
		if err != nil {
			return
		}
		fmt.Fprintf(&out, "%s::%s count %d, %.3g/s, p99 %v, baseline %v, self %v, cusum %.1f\n", c.Service, c.Operation, c.Count, c.Rate,
			rounded(p99), rounded(c.Baseline), rounded(c.SelfBaseline), c.CusumUp)
	})
	return out.String()
}

// rounded is a time that a sketch knows to one percent, in two digits.
func rounded(ns float64) string {
	if !(ns >= 0) {
		return "unknown"
	}
	d, unit := time.Duration(ns), time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit).String()
}
