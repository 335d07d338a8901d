// Package input opens what users have on disk: a plain file, a compressed one, an
// archive, or a folder of all of these.
//
// Its opinion: how bytes are packed is decided by the bytes, never by the name,
// and a loader sees only a flat list of named streams. The steps are
//
//  1. [Open] takes a path; a folder is walked in sorted order, each real folder
//     once, however many links lead to it;
//  2. [Files.Next] peels gzip, bzip2, xz and zstd by their magic numbers, steps
//     into tar archives (also into those inside folders and archives), and returns
//     the next stream with its name, packing suffixes stripped.
//     Decompression runs ahead on its own goroutine;
//  3. [Lines] and [CSV] cut a stream into rows. A row is bounded: a longer one is
//     skipped and reported, so memory does not depend on the input;
//  4. [Millis] and its siblings parse numbers straight from the row, exactly and
//     without allocation; [Strings] interns names.
//
// Memory is bounded whatever the input: decompressors stream with a window of at
// most [MaxWindow], and nesting deeper than [MaxDepth] is refused.
package input
