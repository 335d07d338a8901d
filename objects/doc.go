// Package objects is where files lie that more than one machine reads and writes: in a
// folder, or in a bucket of an object store.
//
// Its opinion: a reader must not be able to tell the two apart, and nobody may ever see
// half a file. What it does on the way from a URL to bytes:
//
//  1. [Open] takes a path, file:///path, or the URL of a bucket as gocloud.dev/blob has
//     them: s3://bucket/folder?region=eu-west-1, gs://bucket/folder,
//     azblob://container/folder. Credentials come the way each cloud's own tools find
//     them. Which clouds a program speaks is decided by package objects/clouds;
//  2. a file of a bucket is read in ranges: [File.ReadAt] keeps some blocks and fetches the
//     next ones ahead, so that a store's latency hides behind the work on the data. A
//     range that came short, or from a file that has changed since, is no data;
//  3. a file is written whole or not at all: beside its place in a folder, then renamed;
//     to this machine's temporary folder, then uploaded, for a bucket;
//  4. what may pass (timeouts, 5xx answers, cut connections) is tried again with growing
//     pauses; what will not (no such bucket, refused credentials) fails at once. Errors
//     name the URL and say what to do.
package objects
