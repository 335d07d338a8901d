package jaeger

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/input"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Files decodes the spans of every JSON file of an input, such as an archive with
// a file a trace. Streams that do not start with "{" (a licence, a manifest, the
// ._ files of a Mac) are passed over and counted. A file that turns out broken
// costs its rest: a *trace.RowError, and the next file goes on.
type Files struct {
	files   *input.Files
	opt     Options
	decoder *Decoder
	read    int
	skipped int
	names   []string // of the first skipped
	err     error
}

// maxSkippedNames is how many skipped files are named.
const maxSkippedNames = 10

// NewFiles decodes files, which the caller closes.
func NewFiles(files *input.Files, opt Options) *Files { return &Files{files: files, opt: opt} }

// Read is the number of files with spans begun so far.
func (f *Files) Read() int { return f.read }

// Skipped is how many streams were passed over so far, and the first few names.
func (f *Files) Skipped() (n int, first []string) { return f.skipped, f.names }

// Position is that of the last span in its file; see datasets.Positioner.
func (f *Files) Position() (file string, row int64) {
	if f.decoder == nil {
		return "", 0
	}
	return f.decoder.Position()
}

// Decode fills s with the next span; see datasets.Decoder.
func (f *Files) Decode(s *trace.Span) error {
	for f.err == nil {
		if f.decoder == nil {
			f.err = f.open()
			continue
		}
		err := f.decoder.Decode(s)
		if _, ok := err.(*trace.RowError); ok || err == nil {
			return err
		}
		done := f.decoder
		f.decoder = nil
		if err == io.EOF {
			continue
		}
		if done.in.err != nil && !done.in.tooLarge { // the disk or the archive
			f.err = err
			continue
		}
		return &trace.RowError{File: done.file, Row: done.row + 1, Msg: fmt.Sprintf("the rest of the file cannot be read: %v", err)}
	}
	return f.err
}

// open goes on to the next file that looks like JSON. It is an error when there
// was none.
func (f *Files) open() error {
	file, err := f.files.Next()
	if err == io.EOF && f.read == 0 {
		return fmt.Errorf("no Jaeger JSON among %d files %q", f.skipped, f.names)
	}
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, 64<<10)
	head, err := r.Peek(sniffLen)
	if err != nil && err != io.EOF {
		return err
	}
	if !object(head) {
		f.skipped++
		if len(f.names) < maxSkippedNames {
			f.names = append(f.names, file.Name)
		}
		return nil
	}
	f.read++
	f.decoder = NewDecoder(r, file.Path, f.opt)
	return nil
}

// sniffLen is how much of a file is looked at.
const sniffLen = 512

func object(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{"))
}
