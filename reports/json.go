package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/scale-eval/scale-eval/eval"
)

// WriteJSON writes metrics.json: the whole result, indented by two spaces, fields in
// the order of eval.Result and map keys sorted, so that two runs can be compared with
// diff. Undefined rates are null.
//
// It returns an error for a result whose Version is not [eval.ResultVersion].
func WriteJSON(w io.Writer, r *eval.Result) error {
	if r.Version != eval.ResultVersion {
		return fmt.Errorf("metrics.json: result has version %d, this program writes %d: set Result.Version", r.Version, eval.ResultVersion)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("metrics.json: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote. Undefined rates come back as NaN; fields that
// it does not know are skipped, since adding one does not change the version.
//
// It refuses another version, trailing data, and text that is not a result. The
// caller's error should name the file.
func ReadJSON(r io.Reader) (*eval.Result, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("metrics.json: %w", err)
	}
	if err := checkVersion(raw); err != nil {
		return nil, err
	}
	var res eval.Result
	if err := json.Unmarshal(raw, &res); err != nil {
		return nil, fmt.Errorf("metrics.json: %w", describe(err))
	}
	if len(res.Samplers) == 0 {
		return nil, errors.New("metrics.json: no samplers: the file is not the result of a run")
	}
	return &res, nil
}

// checkVersion comes before decoding: another version may have other types.
func checkVersion(raw []byte) error {
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("metrics.json: %w", describe(err))
	}
	switch {
	case head.Version == nil:
		return errors.New("metrics.json: no field \"version\": the file was not written by scale-eval run")
	case *head.Version > eval.ResultVersion:
		return fmt.Errorf("metrics.json: version %d is newer than %d, the one this program reads: use the scale-eval that wrote it, or run it again with this one",
			*head.Version, eval.ResultVersion)
	case *head.Version < eval.ResultVersion:
		return fmt.Errorf("metrics.json: version %d is older than %d, the one this program reads: run it again (scale-eval run --replay run.json)",
			*head.Version, eval.ResultVersion)
	}
	return nil
}

// describe says where in the file a syntax or type error is.
func describe(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("at byte %d: %w", e.Offset, err)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("at byte %d, field %q: %w", e.Offset, e.Field, err)
	}
	return err
}
