// Scale-eval answers one question: would a trace-driven autoscaler, with this
// sampler and these rules, do the right thing on my traces and my cluster?
//
// It loads labelled distributed traces, trains a Half-Space-Trees span sampler,
// scores every test span, and reports beside baselines that keep the numbers
// honest. Every line below that begins with "$ scale-eval" is run by a test.
//
// # The main job
//
// Without options, run uses a generated workload that is built in:
//
//	$ scale-eval run
//
// The terminal shows the table; the folder out/ gets report.html (one file,
// readable offline), the figures as PNG and SVG, metrics.json, scores.parquet and
// run.json. The same bytes again, and the proof that they are:
//
//	$ scale-eval run --replay out/run.json --out again
//
// Another workload, size and seed, and the result as JSON:
//
//	$ scale-eval run --dataset synth:A --spans 20000 --synth-seed 7 --out "" --output json
//
// # Datasets
//
// Named datasets are looked for in --data, then SCALE_EVAL_DATA (a list, like
// PATH), then the user's cache folder. A path is known by its content.
//
//	$ scale-eval datasets list
//	$ scale-eval datasets convert --dataset synth --spans 30000 --out small.parquet
//	$ scale-eval datasets info small.parquet
//	$ scale-eval datasets convert --dataset small.parquet --to gtrace --out small.csv
//
// # Data larger than memory
//
// A folder of Parquet files is one dataset. --since, --until and --service read a part
// of it and pass over row groups without such spans. Above 16 million spans, or with
// --stream always, run counts scores instead of keeping them: what is flagged is in
// flagged.parquet, and there are no baselines and figures.
//
//	$ scale-eval datasets convert --dataset synth --spans 30000 --partition-by hour --partition-rows 10000 --out big
//	$ scale-eval run --dataset big --stream always --out streamed
//
// In shards it is the same to the last byte; each can run anywhere that sees the
// storage, and what is done there is not done again:
//
//	$ scale-eval run --dataset big --shards 4 --local 2 --storage store --out sharded
//	$ scale-eval status --storage store
//	$ scale-eval work --storage store --index 3
//	$ scale-eval collect --storage store --out collected
//
// Data, storage and results may be in a bucket: wherever a folder or file is named, so may
// be s3://bucket/folder?region=eu-west-1, gs://bucket/folder or azblob://container/folder
// (of Parquet), with the credentials that the tools of that cloud use. There a cluster
// reaches them too, and submit lets pods do the shards:
//
//	$ scale-eval submit --help
//	$ scale-eval submit run --help
//	$ scale-eval submit compare --help
//	$ scale-eval submit tune --help
//	$ scale-eval submit simulate --help
//	$ scale-eval cancel --help
//
// # Protocols
//
// paper slows a share of the test spans down as the SCALE paper did; labels uses
// the dataset's own labels or its injected faults; prequential tests each span
// before learning it, from the first on.
//
//	$ scale-eval run --dataset small.parquet --protocol paper --shock-factor 3 --shock-bump 0s --out ""
//	$ scale-eval run --dataset small.csv --protocol labels --train 0.5 --learn score-then-learn --out ""
//	$ scale-eval run --dataset synth:web_mobile --spans 20000 --protocol prequential --out ""
//
// # The sampler
//
// --sampler adaptive, the default, judges a span by its own call and chooses its
// threshold without labels, by false-positive rate or by budget:
//
//	$ scale-eval run --spans 30000 --keep fpr=0.001 --relearn-after 10m --out ""
//	$ scale-eval run --spans 30000 --keep share=0.02 --out ""
//
// Why it kept a span, or did not: what is usual for its call, how far off and how rare
// the span is, and how that became a score:
//
//	$ scale-eval explain --spans 30000 --top 3
//	$ scale-eval explain --run out/run.json --call stock::stock.Reserve --output json
//
// --sampler paper is the SCALE paper's. Its six parameters carry the paper's names:
//
//	$ scale-eval run --sampler paper --spans 30000 --n_tree 25 --height 15 --window_size 250 --min_score 0.7 --max_duration 10000 --train_size 5000 --encoding fixed --out ""
//	$ scale-eval bench sampler --spans 4096 --passes 1
//
// # Side by side
//
// compare runs every sampler on the same spans, over shock strengths and seeds, and
// calls a difference inside the noise a tie. It goes on where it was interrupted:
//
//	$ scale-eval compare --dataset synth:A --spans 10000 --seeds 2 --samplers quantile,paper,static --out board
//
// On spans without labels it injects shocks: the paper's, which one threshold on
// duration nearly finds, and weaker ones without a bump, where it does not. With
// --dataset tracemesh --data DIR --seeds 10 instead of the first line's options, this
// is the table of how samplers hold up, and strength_ap_01.png draws it:
//
//	$ scale-eval compare --dataset synth:web_mobile --spans 6000 --seeds 2 --samplers adaptive,static,quantile --shock 8..10+5ms --shock 3+0s --shock 2+0s --out weaker
//
// # Autoscalers against each other
//
// simulate plays SCALE and the autoscalers of Kubernetes on simulated clusters, with
// the same requests and faults. It goes on where it was interrupted:
//
//	$ scale-eval simulate --list
//	$ scale-eval simulate --policies scale,none --seeds 2 --out suite memory-leak
//
// suite/report.html says where SCALE loses, with tables, timelines and its reasons. The
// record is enough to show and to check the results again, as one Markdown table too:
//
//	$ scale-eval simulate --replay suite --output markdown
//
// One run in detail: every event, SCALE's decisions, the labelled spans as a dataset;
// and again from its log, compared line by line:
//
//	$ scale-eval simulate --policies scale --seed 1 --event-log events.jsonl --audit why.jsonl --save-spans leak.parquet memory-leak
//	$ scale-eval simulate --replay events.jsonl
//	$ scale-eval datasets info leak.parquet
//
// What SCALE played with, rules, sampler and trained model, goes live as it is
// (scale-eval live --plan plan), or plays on:
//
//	$ scale-eval simulate --save plan memory-leak
//	$ scale-eval simulate --plan plan --seed 2 memory-leak
//
// Every policy tuned with the same budget on seeds that are not scored, then by its
// defaults and tuned on others, at three loads; it goes on where it was interrupted:
//
//	$ scale-eval simulate tune --list
//	$ scale-eval simulate tune --budget 3 --train-seeds 1 --seeds 2 --policies scale,vpa --out tuned memory-leak
//	$ scale-eval simulate --tuned tuned/tuned.yaml --policies scale,none --seeds 2 --out tunedsuite memory-leak
//
// # Live
//
// live receives OTLP from a Collector, samples, and lets the same rules scale a cluster.
// It only says what it would do until --act is given. A sampler can run apart from the
// rules, which then follow its stream (live processor):
//
//	$ scale-eval live --help
//	$ scale-eval live processor --help
//
// # Tuning and the gate
//
// tune searches any option of the sampler, chooses on validation data and reports on
// later data; check fails with exit code 3 when a sampler got worse than its
// recorded baseline:
//
//	$ scale-eval tune --spans 20000 --grid keep=fpr=0.001,fpr=0.01,share=0.02 --grid relearn-after=1m,10m --seeds 2 --out tuned
//	$ scale-eval tune --spans 20000 --sampler paper --method tpe --trials 8 --grid n_tree=5..30 --grid window_size=50..500:log --grid min_score=0.4..0.9:0.05 --objective f1 --objective time --out front
//	$ scale-eval run --spans 20000 --config tuned/tuned.yaml --out best
//	$ scale-eval check --baseline baseline.json --update --case mine --spans 20000 --seeds 3
//	$ scale-eval check --baseline baseline.json --no-time --junit check.xml
//
// # Scores of any other sampler
//
// A CSV or Parquet file with a label and a score or decision a span gets the same
// report:
//
//	$ scale-eval metrics --scores out/scores.parquet
//	$ scale-eval metrics --scores out/scores.parquet --threshold 0.8 --output json
//
// # Rules
//
// Rule files decide what is scaled when. The example is a file to start from, the
// schema is for editors; lint, explain and test are for people.
//
//	$ scale-eval rules example
//	$ scale-eval rules schema
//	$ scale-eval bench processor --traces 200 --passes 1
//
// # A twin of your system
//
// simulate --from-dataset fits a topology to traces (calls, courses, self times,
// arrivals), says how well, and asks what would happen. --hold-out checks it on minutes
// that were not fitted:
//
//	$ scale-eval simulate --from-dataset synth --spans 20000 --hold-out --requests 1000
//	$ scale-eval simulate --from-dataset synth --spans 20000 --load 2 --slower stock=3 --cores stock=1 --requests 1000
//
// # Shell completion
//
//	$ scale-eval completion bash
//
// # Exit codes
//
// 0 ok, 1 failure, 2 usage, 3 a regression gate failed. Progress bars appear on a
// terminal only; results go to standard output, everything else to standard error.
package main
