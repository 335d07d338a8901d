package otlp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/datasets/otlp/grpczstd"
)

// TracesPath is where OTLP/HTTP posts traces.
const TracesPath = "/v1/traces"

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

// Handler is OTLP/HTTP at TracesPath: protobuf and JSON, plain, gzip or zstd.
// maxMessage is the largest body in bytes, decompressed.
func (st *Stage) Handler(maxMessage int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+TracesPath, func(w http.ResponseWriter, r *http.Request) { st.post(w, r, maxMessage) })
	return mux
}

func (st *Stage) post(w http.ResponseWriter, r *http.Request, maxMessage int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != typeProto && kind != typeJSON {
		fail(w, typeProto, http.StatusUnsupportedMediaType, codes.InvalidArgument, "want Content-Type application/x-protobuf or application/json")
		return
	}
	release, refused := st.place()
	if refused != nil {
		refuseHTTP(w, kind, refused)
		return
	}
	defer release()
	msg, code, err := body(w, r, int64(maxMessage))
	if err == nil && kind == typeJSON {
		if msg, err = fromJSON(msg); err != nil {
			st.counters.malformed.Add(1)
		}
	}
	if err != nil {
		fail(w, kind, code, codes.InvalidArgument, err.Error())
		return
	}
	a, err := st.Export(r.Context(), msg)
	if err != nil {
		exportError(w, kind, err)
		return
	}
	write(w, kind, http.StatusOK, a.response())
}

// body reads and decompresses r's body. code is the status to fail with.
func body(w http.ResponseWriter, r *http.Request, limit int64) (b []byte, code int, err error) {
	var in io.Reader = http.MaxBytesReader(w, r.Body, limit)
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		if in, err = gzip.NewReader(in); err != nil {
			return nil, http.StatusBadRequest, fmt.Errorf("gzip: %w", err)
		}
	case "zstd":
		z, err := grpczstd.NewReader(in)
		if err != nil {
			return nil, http.StatusBadRequest, fmt.Errorf("zstd: %w", err)
		}
		defer z.Close()
		in = z
	default:
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("Content-Encoding %.40q: want gzip or zstd", encoding)
	}
	b, err = io.ReadAll(io.LimitReader(in, limit+1))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) || int64(len(b)) > limit {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the message has more than %d bytes: send fewer spans at a time", limit)
	}
	if err != nil {
		err = fmt.Errorf("reading the body: %w", err)
	}
	return b, http.StatusBadRequest, err
}

func exportError(w http.ResponseWriter, kind string, err error) {
	if r, ok := err.(*Refusal); ok {
		refuseHTTP(w, kind, r)
		return
	}
	// The sender has gone; whoever still listens is a proxy.
	fail(w, kind, http.StatusServiceUnavailable, codes.Unavailable, err.Error())
}

// refuseHTTP is 503 (or 429 when it is the sender's share of places that is used
// up) with Retry-After, or 400.
func refuseHTTP(w http.ResponseWriter, kind string, r *Refusal) {
	if r.Retry == 0 {
		fail(w, kind, http.StatusBadRequest, codes.InvalidArgument, r.Error())
		return
	}
	code := http.StatusServiceUnavailable
	if r.Reason == ReasonFull || r.Reason == ReasonBytes {
		code = http.StatusTooManyRequests
	}
	seconds := max(1, int64((r.Retry+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	fail(w, kind, code, codes.Unavailable, r.Error())
}

func fail(w http.ResponseWriter, kind string, status int, code codes.Code, msg string) {
	write(w, kind, status, &spb.Status{Code: int32(code), Message: strings.ToValidUTF8(msg, "?")})
}

// write answers in the encoding of the request, as OTLP wants.
func write(w http.ResponseWriter, kind string, status int, m proto.Message) {
	var b []byte
	var err error
	if kind == typeJSON {
		b, err = protojson.Marshal(m)
	} else {
		b, err = proto.Marshal(m)
	}
	if err != nil { // a message of ours that does not encode
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	w.Write(b) // an error is that the sender has gone
}
