// Package measure holds what simulated runs are judged by: plain data and statistics,
// without the simulated cluster. Reports read results through it and need not link the
// Kubernetes client for that.
//
//  1. [Measures] are the numbers of one run, a [Timeline] its course, a [Calibration]
//     what was known before;
//  2. a [Record] keeps them as they come, so that an interrupted plan can go on;
//  3. [Summarise] reduces the measures of many runs to means, paired differences with
//     95 % intervals and Holm's correction;
//  4. [Typical] picks the seed whose timelines stand for all.
package measure
