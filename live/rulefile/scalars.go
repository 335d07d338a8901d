package rulefile

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/scale-eval/scale-eval/live"
)

// errForm says only that the text does not have the wanted form.
var errForm = errors.New("wrong form")

func (d *decoder) text(to *string, want string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, want, func(s string) error {
			if *to = s; s == "" {
				return errForm
			}
			return nil
		})
	}
}

func (d *decoder) boolean(to *bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "true or false", func(s string) error {
			switch s {
			case "true":
				*to = true
			case "false":
				*to = false
			default:
				return errForm
			}
			return nil
		})
	}
}

func (d *decoder) duration(to *time.Duration) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "a duration such as 250ms, 5m or 3d", func(s string) (err error) {
			*to, err = parseDuration(s)
			return err
		})
	}
}

// parseDuration is time.ParseDuration with whole days.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, errForm
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 || v > 1000*24*time.Hour {
		return 0, errForm
	}
	return v, nil
}

func (d *decoder) integer(to *int) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "a whole number", func(s string) error {
			v, err := strconv.ParseInt(s, 10, 32)
			*to = int(v)
			return err
		})
	}
}

func (d *decoder) count(to *int64) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		var v int
		d.integer(&v)(n, path)
		*to = int64(v)
	}
}

func (d *decoder) number(to *float64, want string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, want, func(s string) (err error) {
			*to, err = parseNumber(s)
			return err
		})
	}
}

func parseNumber(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, errForm
	}
	return v, nil
}

// part reads "5%" or 0.05.
func (d *decoder) part(to *float64) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "a part such as 5% or 0.05", func(s string) (err error) {
			percent, isPercent := strings.CutSuffix(s, "%")
			*to, err = parseNumber(strings.TrimSpace(percent))
			if isPercent {
				*to /= 100
			}
			return err
		})
	}
}

// percent reads "50%" or 50.
func (d *decoder) percent(to *float64) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "a percentage such as 50%", func(s string) (err error) {
			*to, err = parseNumber(strings.TrimSpace(strings.TrimSuffix(s, "%")))
			return err
		})
	}
}

// units of Kubernetes quantities, longest suffix first.
var memoryUnits = []struct {
	suffix string
	bytes  float64
}{
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40},
	{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"", 1},
}

// quantity reads milli-cores or bytes.
func (d *decoder) quantity(r live.Resource, to *int64) func(*yaml.Node, string) {
	want, parse := "CPU such as 250m or 1.5", parseCPU
	if r == live.Memory {
		want, parse = "memory such as 512Mi or 2Gi", parseMemory
	}
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, want, func(s string) (err error) {
			*to, err = parse(s)
			return err
		})
	}
}

func parseCPU(s string) (int64, error) {
	milli, isMilli := strings.CutSuffix(s, "m")
	v, err := parseNumber(milli)
	if !isMilli {
		v *= 1000
	}
	return whole(v, err)
}

func parseMemory(s string) (int64, error) {
	for _, u := range memoryUnits {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			v, err := parseNumber(digits)
			return whole(v*u.bytes, err)
		}
	}
	return 0, errForm
}

func whole(v float64, err error) (int64, error) {
	if err != nil || v < 0 || v > 1<<53 {
		return 0, errForm
	}
	return int64(math.Ceil(v)), nil
}

// oneOf reads one of some words.
func oneOf[T any](d *decoder, to *T, words []string, values []T) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, strings.Join(words, ", "), func(s string) error {
			for i, w := range words {
				if s == w {
					*to = values[i]
					return nil
				}
			}
			return errForm
		})
	}
}

func (d *decoder) pattern(to *live.Pattern) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "a name, glob:PATTERN or re:REGEXP", func(s string) (err error) {
			*to, err = live.ParsePattern(s)
			return err
		})
	}
}

// target reads kind/name or kind/namespace/name.
func (d *decoder) target(to *live.Target) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "kind/name or kind/namespace/name", func(s string) error {
			parts := strings.Split(s, "/")
			for _, p := range parts {
				if p == "" {
					return errForm
				}
			}
			switch len(parts) {
			case 2:
				*to = live.Target{Kind: parts[0], Name: parts[1]}
			case 3:
				*to = live.Target{Kind: parts[0], Namespace: parts[1], Name: parts[2]}
			default:
				return errForm
			}
			return nil
		})
	}
}

// clock reads 08:30 as minutes after midnight.
func (d *decoder) clock(to *int) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		d.scalar(n, path, "a time such as \"08:30\", 00:00 to 24:00", func(s string) error {
			var h, m int
			if _, err := fmt.Sscanf(s, "%2d:%2d", &h, &m); err != nil || len(s) != 5 || h < 0 || m < 0 || m > 59 || h*60+m > 1440 {
				return errForm
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
		d.scalar(n, path, "days such as daily, mon-fri or sat,sun", func(s string) error {
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
		return errForm
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
		d.scalar(n, path, "a time zone such as UTC or Europe/Berlin", func(s string) (err error) {
			if s == "Local" {
				return errForm // would mean something else on every machine
			}
			*to, err = time.LoadLocation(s)
			return err
		})
	}
}
