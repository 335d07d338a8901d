package strictyaml

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// ErrForm says only that the text does not have the wanted form.
var ErrForm = errors.New("wrong form")

// Text reads a text that is not empty.
func (d *Reader) Text(to *string, want string) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, want, func(s string) error {
			if *to = s; s == "" {
				return ErrForm
			}
			return nil
		})
	}
}

// Boolean reads true or false.
func (d *Reader) Boolean(to *bool) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "true or false", func(s string) error {
			switch s {
			case "true":
				*to = true
			case "false":
				*to = false
			default:
				return ErrForm
			}
			return nil
		})
	}
}

// Duration reads a duration as [ParseDuration] does.
func (d *Reader) Duration(to *time.Duration) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a duration such as 250ms, 5m or 3d", func(s string) (err error) {
			*to, err = ParseDuration(s)
			return err
		})
	}
}

// ParseDuration is time.ParseDuration with whole days.
func ParseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, ErrForm
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 || v > 1000*24*time.Hour {
		return 0, ErrForm
	}
	return v, nil
}

// Integer reads a whole number of 32 bits.
func (d *Reader) Integer(to *int) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a whole number", func(s string) error {
			v, err := strconv.ParseInt(s, 10, 32)
			*to = int(v)
			return err
		})
	}
}

// Count is Integer for 64 bits.
func (d *Reader) Count(to *int64) Read {
	return func(n *yaml.Node, path string) {
		var v int
		d.Integer(&v)(n, path)
		*to = int64(v)
	}
}

// Number reads a finite number; want says which.
func (d *Reader) Number(to *float64, want string) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, want, func(s string) (err error) {
			*to, err = ParseNumber(s)
			return err
		})
	}
}

// ParseNumber takes finite numbers.
func ParseNumber(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, ErrForm
	}
	return v, nil
}

// Part reads "5%" or 0.05.
func (d *Reader) Part(to *float64) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a part such as 5% or 0.05", func(s string) (err error) {
			percent, isPercent := strings.CutSuffix(s, "%")
			*to, err = ParseNumber(strings.TrimSpace(percent))
			if isPercent {
				*to /= 100
			}
			return err
		})
	}
}

// Percent reads "50%" or 50.
func (d *Reader) Percent(to *float64) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, "a percentage such as 50%", func(s string) (err error) {
			*to, err = ParseNumber(strings.TrimSpace(strings.TrimSuffix(s, "%")))
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

// ParseCPU reads cores as milli-cores, rounded up.
func ParseCPU(s string) (int64, error) {
	milli, isMilli := strings.CutSuffix(s, "m")
	v, err := ParseNumber(milli)
	if !isMilli {
		v *= 1000
	}
	return whole(v, err)
}

// ParseMemory reads a Kubernetes quantity as bytes, rounded up.
func ParseMemory(s string) (int64, error) {
	for _, u := range memoryUnits {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			v, err := ParseNumber(digits)
			return whole(v*u.bytes, err)
		}
	}
	return 0, ErrForm
}

func whole(v float64, err error) (int64, error) {
	if err != nil || v < 0 || v > 1<<53 {
		return 0, ErrForm
	}
	return int64(math.Ceil(v)), nil
}

// OneOf reads one of some words.
func OneOf[T any](d *Reader, to *T, words []string, values []T) Read {
	return func(n *yaml.Node, path string) {
		d.Scalar(n, path, strings.Join(words, ", "), func(s string) error {
			for i, w := range words {
				if s == w {
					*to = values[i]
					return nil
				}
			}
			return ErrForm
		})
	}
}
