package rulefile

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
	"github.com/scale-eval/scale-eval/live/strictyaml"
)

// quantity reads milli-cores or bytes.
func (d *decoder) quantity(r live.Resource, to *int64) func(*yaml.Node, string) {
	want, parse := "CPU such as 250m or 1.5", strictyaml.ParseCPU
	if r == live.Memory {
		want, parse = "memory such as 512Mi or 2Gi", strictyaml.ParseMemory
	}
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, want, func(s string) (err error) {
			*to, err = parse(s)
			return err
		})
	}
}

func (d *decoder) pattern(to *live.Pattern) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a name, glob:PATTERN or re:REGEXP", func(s string) (err error) {
			*to, err = live.ParsePattern(s)
			return err
		})
	}
}

// target reads kind/name or kind/namespace/name.
func (d *decoder) target(to *live.Target) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "kind/name or kind/namespace/name", func(s string) error {
			parts := strings.Split(s, "/")
			for _, p := range parts {
				if p == "" {
					return strictyaml.ErrForm
				}
			}
			switch len(parts) {
			case 2:
				*to = live.Target{Kind: parts[0], Name: parts[1]}
			case 3:
				*to = live.Target{Kind: parts[0], Namespace: parts[1], Name: parts[2]}
			default:
				return strictyaml.ErrForm
			}
			return nil
		})
	}
}

// clock reads 08:30 as minutes after midnight.
func (d *decoder) clock(to *int) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a time such as \"08:30\", 00:00 to 24:00", func(s string) error {
			var h, m int
			if _, err := fmt.Sscanf(s, "%2d:%2d", &h, &m); err != nil || len(s) != 5 || h < 0 || m < 0 || m > 59 || h*60+m > 1440 {
				return strictyaml.ErrForm
			}
			*to = h*60 + m
			return nil
		})
	}
}

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// days reads "daily", "mon-fri" or "sat,sun".
func (d *decoder) days(to *[7]bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "days such as daily, mon-fri or sat,sun", func(s string) error {
			if s == "daily" {
				s = "sun-sat"
			}
			for _, part := range strings.Split(s, ",") {
				if err := addDays(to, part); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func addDays(to *[7]bool, part string) error {
	from, until, isRange := strings.Cut(part, "-")
	if !isRange {
		until = from
	}
	a, b := dayOf(from), dayOf(until)
	if a < 0 || b < 0 {
		return strictyaml.ErrForm
	}
	for i := a; ; i = (i + 1) % 7 {
		if to[i] = true; i == b {
			return nil
		}
	}
}

func dayOf(s string) int {
	for i, n := range dayNames {
		if strings.TrimSpace(s) == n {
			return i
		}
	}
	return -1
}

// zone reads an IANA name. The zone data of the machine decides, as for any clock.
func (d *decoder) zone(to **time.Location) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a time zone such as UTC or Europe/Berlin", func(s string) (err error) {
			if s == "Local" {
				return strictyaml.ErrForm // would mean something else on every machine
			}
			*to, err = time.LoadLocation(s)
			return err
		})
	}
}
