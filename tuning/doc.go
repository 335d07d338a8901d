// Package tuning searches the options of a sampler for the best ones, and says
// honestly how good they are.
//
// Its opinion: the best of many points is lucky as well as good. So points are
// chosen on a validation part and reported on a later part that took no share in
// the choice, every point runs on several seeds, and a difference that a paired
// resampling of the traces cannot tell from zero is called a tie.
//
// A study goes like this:
//
//  1. a [Space] is parsed from "n_tree=12,16,32" or YAML; one parameter of it may
//     be the threshold, which is free: one pass scores, every level is read off it;
//  2. a [Search] proposes models, points without the threshold: a grid, random
//     points, a Latin hypercube, or a sequential method that learns from results;
//  3. [Study.Run] hands them, times seeds, times shares of the data (successive
//     halving), to an evaluator on all workers, and each result to a journal;
//  4. an [Outcome] holds confusion matrices by block of time: validation blocks
//     first, the test block last. [Read] makes them of one column of scores;
//  5. an [Objective] turns them into a loss, [Summarise] into one row a point,
//     [Choose] into a choice and its test result, [Front] into the Pareto front
//     with its knee, [Importances] into what each parameter is worth;
//  6. files, clocks and drawing are left to the command and package reports.
//
// The same points in any order and on any number of workers give the same
// outcomes in the same order.
package tuning
