// Package tracemesh reads and writes the span CSV of TraceMesh (Chen et al., IEEE
// CLOUD 2024; repository OpsPAI/TraceMesh), which the SCALE authors' captures share:
//
//	TraceID,SpanID,ParentID,OperationName,StartTimeUnixNano,Duration
//
// Its opinion: the format leaves two things unsaid, and a loader must say what it
// assumed. There is no service column, so [trace.Span].Service is ""; and Duration
// has no unit, so [Unit] is an option whose default, [Auto], decides from the file
// and reports the decision in [Decoder.Unit].
//
//  1. [Open] takes one file, or a folder or archive in the layout of OpsPAI:
//     train.csv, test.csv (or test.tar.gz) and test_label.txt;
//  2. training spans come first, unlabelled; [Decoder.TrainSpans] counts them, so
//     that a protocol can split there;
//  3. test_label.txt names traces, one id a line: all spans of those traces are
//     [trace.Anomalous] with the kind [Uncommon], all other test spans normal;
//  4. ids that are not hexadecimal are hashed (FNV-1a, 64 bits) and counted.
//
// Fields may stand in any order and the file may have more of them.
package tracemesh
