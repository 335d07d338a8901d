// Package strictyaml reads YAML that somebody wrote by hand and something important
// depends on.
//
// Its opinion: a field that is misspelt and skipped is worse than an error, and so is
// the first error without the other nine. It is not a mapping onto structs: a grammar
// says for each object which fields it has and what reads them, so that
//
//  1. Open refuses what is not one document of at most MaxBytes;
//  2. the grammar walks the nodes with Object, List and the scalars; an unknown
//     field, one given twice, a wrong type and a bad unit are errors, each with file,
//     line, column and field, and what is wanted instead;
//  3. the caller checks what the values mean together and reports with BadAt;
//  4. Err joins all of it.
package strictyaml
