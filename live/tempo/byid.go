package tempo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/scale-eval/scale-eval/datasets/otlp"
	"github.com/scale-eval/scale-eval/datasets/trace"
	"github.com/scale-eval/scale-eval/live/training"
)

// byID fetches whole traces during one Fetch. Safe for concurrent use.
type byID struct {
	s                *Source
	old              atomic.Bool // /api/v2/traces does not exist
	missing, partial atomic.Int64
}

func (f *byID) notes() (notes []string) {
	if n := f.missing.Load(); n > 0 {
		notes = append(notes, fmt.Sprintf("%d traces were found by the search and gone when they were fetched", n))
	}
	if n := f.partial.Load(); n > 0 {
		notes = append(notes, fmt.Sprintf("%d traces are larger than Tempo returns; what it returned was used", n))
	}
	return notes
}

// fetch is the spans of one trace; nil: it is gone.
func (f *byID) fetch(ctx context.Context, id string) (*training.Batch, error) {
	tid, err := traceID(id)
	if err != nil {
		b := &training.Batch{}
		b.Bad.Add(&trace.RowError{File: "/api/search", Field: "traceID", Msg: err.Error()})
		return b, nil
	}
	if !f.old.Load() {
		body, err := f.get(ctx, "v2", tid)
		if err != nil {
			return nil, err
		}
		if body != nil {
			body, partial, err := unwrap(body)
			if err != nil {
				return nil, fmt.Errorf("tempo: trace %s: /api/v2/traces did not answer as Tempo does: %w", tid, err)
			}
			if partial {
				f.partial.Add(1)
			}
			return f.s.decode(tid, body)
		}
	}
	body, err := f.get(ctx, "", tid)
	if err != nil {
		return nil, err
	}
	if body == nil {
		f.missing.Add(1)
		return nil, nil
	}
	f.old.Store(true)
	return f.s.decode(tid, body)
}

// get is the body; nil: 404.
func (f *byID) get(ctx context.Context, version string, id trace.TraceID) ([]byte, error) {
	body, err := f.s.o.Client.Get(ctx, f.s.base.JoinPath("api", version, "traces", id.String()), "application/protobuf")
	var status *training.StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return nil, nil
	}
	if err == nil && body == nil {
		body = []byte{}
	}
	return body, err
}

// unwrap takes the trace out of a TraceByIDResponse {trace = 1, metrics = 2,
// status = 3, message = 4}, where status 1 is PARTIAL.
func unwrap(b []byte) (traceBytes []byte, partial bool, err error) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false, protowire.ParseError(n)
		}
		b = b[n:]
		switch {
		case num == 1 && typ == protowire.BytesType:
			v, m := protowire.ConsumeBytes(b)
			if n = m; m >= 0 {
				traceBytes = append(traceBytes, v...) // the parts of a message merge
			}
		case num == 3 && typ == protowire.VarintType:
			v, m := protowire.ConsumeVarint(b)
			n, partial = m, v == 1
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return nil, false, protowire.ParseError(n)
		}
		b = b[n:]
	}
	return traceBytes, partial, nil
}

// decode reads a Trace, which has the wire form of OTLP's TracesData.
func (s *Source) decode(id trace.TraceID, body []byte) (*training.Batch, error) {
	b := &training.Batch{}
	if len(body) == 0 {
		return b, nil
	}
	d := otlp.NewProto(bytes.NewReader(body), "trace "+id.String(), s.otlp())
	for {
		var span trace.Span
		err := d.Decode(&span)
		var row *trace.RowError
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case errors.As(err, &row):
			b.Bad.Add(row)
		case err != nil:
			return nil, err
		default:
			b.Spans = append(b.Spans, span)
		}
	}
}
