// Package scenario holds the situations in which autoscalers are compared: a system,
// its load, what goes wrong and when, what would be right to do, and what would look
// right and is not.
//
// Its opinion: a comparison is only as fair as the situations it is made in, so each
// of them is a file that anybody can read, change and run again, and the right answer
// is written in it before any autoscaler has seen it.
//
//  1. [Parse] reads a file strictly (grammar.go is the reference of the format,
//     schema.json the JSON Schema for editors): an unknown field, a wrong type, a name
//     that is not there, a cycle, a number out of range is an error with file, line
//     and field; [Load] does the same for the files in the binary, [Names] lists them;
//  2. [Scenario.Topology] is the system, fresh for each run, at any share of the load;
//  3. [Scenario.Start] builds it and schedules the changes of [Scenario.Events] in it;
//     [Scenario.Timeline] tells them, for plots;
//  4. [Watch] counts requests that break an [SLO], in bins of a second;
//  5. [Scenario.Judge] says whether an action is one of those that help
//     ([Scenario.Accept]), and [Scenario.Demand] how many pods a perfect autoscaler
//     would have had, minute by minute.
//
// Times in a file are measured time: 0 is the end of the warm-up, in which the load
// is what it is at 0. Times of the simulation begin with the warm-up.
package scenario
