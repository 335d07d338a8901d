package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/otlp"
)

const (
	// sniffBytes of a file are looked at: a CSV header or the first keys of a JSON
	// document fit.
	sniffBytes = 64 << 10
	// sniffFiles of a folder or archive are looked at: id maps, manifests and label
	// lists may come before the first file of spans.
	sniffFiles = 64
)

// Sniff finds the format of the file, archive or folder at path by its content.
func Sniff(path string) (Format, error) {
	files, err := input.Open(path)
	if err != nil {
		return "", err
	}
	defer files.Close()
	var seen []string
	var total int
	for range sniffFiles {
		f, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		head, err := io.ReadAll(io.LimitReader(f, sniffBytes))
		if err != nil {
			return "", err
		}
		total += len(head)
		if format := sniffHead(head); format != "" {
			return format, nil
		}
		if len(seen) < 5 {
			seen = append(seen, f.Name)
		}
	}
	if len(seen) == 0 {
		return "", fmt.Errorf("%s: no files in it", path)
	}
	if total == 0 {
		return "", fmt.Errorf("%s: empty: fetch or write it again", path)
	}
	return "", fmt.Errorf("%s: no known format in it (looked at %s): want GTrace, TraceMesh, Nezha or OTel CSV with a header, OTLP or Jaeger JSON, OTLP protobuf, or Parquet", path, strings.Join(seen, ", "))
}

// csvFormats are told apart by columns that only one format has.
var csvFormats = []struct {
	format  Format
	columns []string
}{
	{GTrace, []string{"traceidhigh", "traceidlow", "operationname"}},
	{Nezha, []string{"traceid", "podname", "endtimeunixnano"}},
	{TraceMesh, []string{"traceid", "parentid", "operationname", "starttimeunixnano", "duration"}},
	{OTelCSV, []string{"trace_id", "span_id", "start_time_unix_nano", "end_time_unix_nano"}},
}

func sniffHead(head []byte) Format {
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return Parquet
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return sniffJSON(text)
	}
	if f := sniffCSV(text); f != "" {
		return f
	}
	if _, ok := otlp.SniffFraming(head); ok {
		return OTLP
	}
	return ""
}

func sniffJSON(text []byte) Format {
	switch {
	case bytes.Contains(text, []byte(`"resourceSpans"`)), bytes.Contains(text, []byte(`"resource_spans"`)), bytes.Contains(text, []byte(`"batches"`)):
		return OTLP
	case bytes.Contains(text, []byte(`"traceID"`)):
		return Jaeger
	}
	return ""
}

func sniffCSV(text []byte) Format {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	header := map[string]bool{}
	for _, h := range strings.Split(strings.ToLower(string(line)), ",") {
		header[strings.Trim(strings.TrimSpace(h), `"`)] = true
	}
next:
	for _, f := range csvFormats {
		for _, c := range f.columns {
			if !header[c] {
				continue next
			}
		}
		return f.format
	}
	return ""
}
