// Package rulefile reads the YAML rule files of scale-eval into [live.RuleSet].
//
// A rule file decides over production, so it is read strictly. Parse
//
//  1. refuses what is not one YAML document of at most MaxBytes;
//  2. walks the node tree against the grammar (grammar.go is the reference, and a
//     test holds [Schema], the JSON Schema for editors, to it): an unknown field, a
//     wrong type, a bad unit or a field given twice is an error;
//  3. checks what fields mean together with [live.RuleSpec.Validate];
//  4. reports every error, not the first one, each an [Error] with file, line,
//     column and field.
//
// Write is the way back: a set as a file from which Parse reads it again. Lint says what is allowed but probably not meant, and Explain says in words
// what the file does.
package rulefile
