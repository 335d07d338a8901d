package otlp

import (
	"errors"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// Proto decodes OTLP protobuf files: TracesData messages (ExportTraceServiceRequest
// and Tempo's trace are the same bytes), framed in one of three ways, which it
// finds out by itself. Fields of the wire format are walked in place: nothing is
// allocated a span but new names.
type Proto struct {
	file   string
	frames *frames
	ready  bool  // the framing is known
	fatal  error // the framing was lost
	wire   *Wire
	meta   Meta
	span   int64 // spans of the message in the ResourceSpans before this one
	number int64 // of that message
}

// NewProto decodes the spans of r. file is for messages, whose Row is the number
// of the TracesData message, or of the ResourceSpans in a file of one message.
func NewProto(r io.Reader, file string, opt Options) *Proto {
	return &Proto{file: file, frames: newFrames(r, opt.maxMessage()), wire: NewWire(opt)}
}

// Tally is what was decoded so far.
func (d *Proto) Tally() Tally { return d.wire.Tally() }

// Framing is how the messages lie in the file; known after the first Decode.
func (d *Proto) Framing() Framing { return d.frames.framing }

// Position is the number of the last span's message; see datasets.Positioner.
func (d *Proto) Position() (file string, row int64) { return d.file, d.frames.message }

// Decode fills s with the next span; see datasets.Decoder.
func (d *Proto) Decode(s *trace.Span) error {
	for {
		before := d.wire.spans
		err := d.wire.Next(s, &d.meta)
		switch {
		case err == nil:
			return nil
		case err == io.EOF:
			if err := d.message(); err != nil {
				return err
			}
		case d.wire.spans == before: // between spans
			return d.rowError("", err.Error())
		default:
			field, msg := "", err.Error()
			if broken := (*FieldError)(nil); errors.As(err, &broken) {
				field, msg = broken.Field, broken.Msg
			}
			return d.rowError(field, fmt.Sprintf("span %d of the message: %s", d.span+d.wire.spans, msg))
		}
	}
}

// message takes the next ResourceSpans and reads its resource.
func (d *Proto) message() error {
	if d.fatal != nil {
		return d.fatal
	}
	if !d.ready {
		if err := d.frames.sniff(); err != nil {
			return d.lost(err)
		}
		d.ready = true
	}
	b, err := d.frames.next()
	d.span += d.wire.spans
	if n := d.frames.message; n != d.number {
		d.number, d.span = n, 0
	}
	d.wire.spans = 0
	if errors.Is(err, errTooLarge) || errors.Is(err, errCut) {
		return d.rowError("", err.Error())
	}
	if err != nil {
		return d.lost(err)
	}
	err = d.wire.Reset(b)
	if broken := (*FieldError)(nil); errors.As(err, &broken) {
		return d.rowError(broken.Field, broken.Msg)
	}
	if err != nil {
		return d.rowError("", err.Error())
	}
	return nil
}

// lost ends the stream with err.
func (d *Proto) lost(err error) error {
	if err != io.EOF {
		err = fmt.Errorf("%s: message %d: %w", d.file, d.frames.message, err)
	}
	d.fatal = err
	return err
}

func (d *Proto) rowError(field, msg string) error {
	return &trace.RowError{File: d.file, Row: d.frames.message, Field: field, Msg: msg}
}
