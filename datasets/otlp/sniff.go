package otlp

import "bytes"

// Format is one of the file formats that this package decodes.
type Format uint8

const (
	FormatJSON  Format = iota + 1 // see NewJSON
	FormatProto                   // see NewProto
	FormatCSV                     // see NewCSV
)

// Sniff guesses the format from the start of a file, of which 4 KiB are plenty;
// false when it is none of them.
func Sniff(head []byte) (Format, bool) {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case bytes.HasPrefix(text, []byte("{")) && (bytes.Contains(text, []byte(`"resourceSpans"`)) || bytes.Contains(text, []byte(`"resource_spans"`))):
		return FormatJSON, true
	case bytes.Contains(line, []byte("trace_id")) && bytes.Contains(line, []byte("start_time_unix_nano")) && bytes.IndexByte(line, ',') > 0:
		return FormatCSV, true
	}
	_, ok := SniffFraming(head)
	return FormatProto, ok
}
