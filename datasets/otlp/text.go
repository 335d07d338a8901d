package otlp

import (
	"math"
	"strconv"
)

// number is the text of an AnyValue that is not a string.
func number(tag, x uint64) string {
	switch tag {
	case anyValueBool:
		return strconv.FormatBool(x != 0)
	case anyValueInt:
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(math.Float64frombits(x), 'g', -1, 64)
}
