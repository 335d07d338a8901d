package scenario

import _ "embed" // the schema

// Schema is the JSON Schema (draft 2020-12) of scenario files, for completion and
// checks in editors. Parse is stricter: it knows what fields mean together.
//
//go:embed schema.json
var Schema []byte
