// Package training gives a sampler its model before it sees live traffic.
//
// Its opinion: training is a batch job that happens to have a schedule. What comes
// out is a snapshot, bytes that fit any table of calls, so that the pipeline keeps
// its own table and swaps the model between two spans, and so that a model trained
// twice on the same spans is the same model.
//
//  1. a [Source] (live/tempo, live/jaeger, a file) fetches the spans of a [Query];
//     the sources that speak HTTP share [Client], which repeats what may succeed
//     later, and [Slices], which cuts time until no answer is truncated;
//  2. [Train] puts the spans in the order of start, trace id and span id, keeps the
//     latest Size of them, and teaches a fresh model. The ids it used are hashed
//     ([Trained].Digest), so that two trainings can be compared;
//  3. too few spans for the model's warm-up are an error, never a model that keeps
//     nothing or everything;
//  4. a [Trainer] does that at start until it succeeds, then on a schedule. A
//     schedule that fails keeps the old model and says how old it is;
//  5. a [Swap] is the sampler of the pipeline: it holds the current model, and
//     until there is one says that it is warming up.
package training
