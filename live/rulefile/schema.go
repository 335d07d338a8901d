package rulefile

import _ "embed" // the schema and the example

// Schema is the JSON Schema (draft 2020-12) of rule files, for completion and
// checks in editors. Parse is stricter: it knows what fields mean together.
//
//go:embed schema.json
var Schema []byte

// Example is a rule file to start from, with comments. Lint has nothing to say of it.
//
//go:embed example.yaml
var Example []byte
