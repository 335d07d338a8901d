// Package eval scores a sampler against labels.
//
// Its opinion: a number without its interval, its baselines and its seed is not a
// result. A run takes these steps:
//
//  1. train every sampler on the training part of a [trace.Source];
//  2. send each test span to every sampler, in order; spans a sampler was not
//     ready for are counted as warm-up, spans of an excluded label are counted by
//     label, and neither is scored;
//  3. keep one score and one decision a span and sampler ([Scores]);
//  4. choose each baseline's cut-off on the training part alone, and print its
//     best cut-off on the test part beside it, under that name;
//  5. reduce to a [Result]: confusion matrix, rates with 95 % intervals (Wilson
//     where spans are independent, bootstrap by trace where they are not), ROC and
//     precision-recall curves, recall at fixed FPR;
//  6. leave drawing to package reports and files to the command.
//
// The package reads no clock and opens no file: a clock, where time a span is
// measured, is an argument, and so is where the arrays lie that grow with the spans
// ([Arrays]), for who wants them in files.
package eval
