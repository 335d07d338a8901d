// Package reports turns results into tables, figures and pages.
//
// Its opinion: a reader must never have to guess which number is the result. What
// was deployed (a cut-off chosen before the test part was seen) and what would have
// been best in hindsight stand apart everywhere, every rate carries its interval, and
// the baselines stand beside the sampler even where they beat it.
//
// A report is written in these steps:
//
//  1. [Figures] lays out the figures of an [eval.Result]; nothing is drawn yet;
//  2. [Figure.Write] draws one of them as PNG or SVG;
//  3. [Text] writes the terminal tables, [HTML] the one self-contained page with the
//     figures inside, [WriteJSON] metrics.json;
//  4. [ReadJSON] reads metrics.json back, for comparisons with a later run.
//
// Everything goes to an io.Writer. The package opens no file, reads no clock and
// draws no random number: the same input gives the same bytes.
//
// Names of services, operations and samplers come from the outside. Control and
// bidirectional override characters are replaced before they reach a terminal, an
// SVG or a page, and long names are cut.
package reports
