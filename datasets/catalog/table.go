// Package catalog turns what a user types after --dataset into a stream of spans.
//
//  1. [Table] is the one list of names: what each dataset is, how large, under
//     which licence, where to get it, and which files it consists of;
//  2. [Find] looks for those files in the folders it is given, in order; a value
//     that is a path is taken as it is and [Sniff]ed by content;
//  3. [Dataset.Open] starts the loader of the format, as often as the caller needs
//     to pass over the data.
//
// A dataset that is not on disk is an error that says what was looked for, where,
// and how to obtain it.
package catalog

import (
	"fmt"
	"path"
	"strings"

	"github.com/scale-eval/scale-eval/datasets/synth"
)

// Format names a loader.
type Format string

// The formats that have a loader.
const (
	GTrace    Format = "gtrace"
	TraceMesh Format = "tracemesh"
	Nezha     Format = "nezha"
	OTelCSV   Format = "otel-csv"
	OTLP      Format = "otlp"
	Jaeger    Format = "jaeger"
	Parquet   Format = "parquet"
	Synth     Format = "synth"
)

// Entry is one named dataset.
type Entry struct {
	Name     string // what --dataset takes, before a colon
	Variants string // what may follow the colon; "" = nothing
	What     string
	Spans    string // how many, as text, because variants differ
	Labels   string // what the labels are
	Licence  string
	Get      string   // how to obtain it
	Format   Format   //
	Files    []string // glob patterns below a data folder, first match wins; {variant} is replaced
	Default  string   // variant that is meant when none is given
	// ServiceAttr is the span attribute that holds the service, where the format
	// needs to be told.
	ServiceAttr string
}

// Table is every named dataset. Nothing registers itself: to add one, add a row.
var Table = []Entry{
	{
		Name: "synth", Variants: "see scale-eval datasets info synth", Format: Synth, Default: synth.DefaultVariant,
		What:  "generated multi-service workload: call graph, log-normal self times, heavy tails, drift, labelled anomalies; any size, any seed",
		Spans: "any", Labels: "the generator's own", Licence: "this project's (Apache-2.0)", Get: "built in",
	},
	{
		Name: "tracemesh", Variants: "a folder name below tracemesh/", Format: TraceMesh,
		What:  "OpenTelemetry demo spans in TraceMesh's layout; the SCALE authors' capture, or OpsPAI's train/test folders",
		Spans: "77 311 (the authors' capture)", Labels: "none in the capture (Track A shocks); test_label.txt in OpsPAI's", Licence: "none stated: evaluation only",
		Get:   "from the SCALE authors, or github.com/OpsPAI/TraceMesh (folder dataset/)",
		Files: []string{"tracemesh/{variant}", "tracemesh", "tracemesh.*", "spans_tracemesh_style_*"},
	},
	{
		Name: "gtrace", Variants: "sample", Format: GTrace,
		What:  "GTrace / TraceVAE: e-commerce microservice spans with latency and structure labels",
		Spans: "6 508 916 (as the paper used it)", Labels: "nodeLatencyLabel a span; graph labels by option", Licence: "see its authors",
		Get:   "github.com/NetManAIOps/GTrace and the dataset link in its README; the sample is TraceVAE's sample_dataset",
		Files: []string{"gtrace/{variant}", "gtrace-{variant}*", "tracevae-{variant}-gtrace-csv*", "gtrace", "gtrace.*"},
	},
	{
		Name: "nezha", Variants: "ob-YYYY-MM-DD (Online Boutique), tt-YYYY-MM-DD (Train Ticket)", Format: Nezha, Default: "ob-2022-08-22",
		What:  "Nezha: a day of Online Boutique or Train Ticket spans with injected faults",
		Spans: "846 632 (ob-2022-08-22), 178 156 (tt-2023-01-30)", Labels: "Track B, from the fault list", Licence: "MIT",
		Get:   "github.com/IntelligentDDS/Nezha, folder rca_data/YYYY-MM-DD with its trace/ and fault list",
		Files: []string{"nezha-{variant}", "nezha-{variant}.*", "nezha/{variant}", "nezha/rca_data/{date}", "rca_data/{date}"},
	},
	{
		Name: "oteldemo", Format: OTelCSV,
		What:  "OpenTelemetry demo spans flattened to CSV by the SCALE authors",
		Spans: "24 023", Labels: "none (Track A shocks)", Licence: "none stated: evaluation only",
		Get: "from the SCALE authors", Files: []string{"oteldemo", "oteldemo.*", "spans_11_7.csv*"},
	},
	{
		Name: "otelgen", Variants: "the scenario that was captured, e.g. microservices, web_mobile, basic", Format: OTLP, ServiceAttr: "service.name",
		What:  "spans that a real otelgen sent to: scale-eval datasets capture",
		Spans: "as many as were captured", Labels: "none (Track A shocks)", Licence: "Apache-2.0 (tool output)",
		Get: "go install github.com/krzko/otelgen/cmd/otelgen@v0.5.2; scale-eval datasets capture --out otelgen-SCENARIO.parquet; " +
			"otelgen --otel-exporter-otlp-endpoint 127.0.0.1:4317 --insecure traces multi --scenarios SCENARIO",
		Files: []string{"otelgen-{variant}.*", "otelgen/{variant}*", "otelgen-*.jsonl*", "otelgen-*.parquet"},
	},
	{
		Name: "hotel", Format: Jaeger,
		What:  "DeathStarBench hotel reservation at six load levels, Jaeger JSON (TraceWeaver)",
		Spans: "66 000", Labels: "none (Track A shocks)", Licence: "Apache-2.0",
		Get:   "github.com/Sachin-A/TraceWeaver, folder data/hotel_reservation",
		Files: []string{"hotel", "hotel.*", "traceweaver-hotel*"},
	},
}

// Lookup splits "name:variant" and finds the row; ok is false when there is none.
func Lookup(name string) (e Entry, variant string, ok bool) {
	base, variant, _ := strings.Cut(name, ":")
	for _, e := range Table {
		if e.Name == base {
			if variant == "" {
				variant = e.Default
			}
			return e, variant, true
		}
	}
	return Entry{}, "", false
}

// Names lists the names of Table.
func Names() (names []string) {
	for _, e := range Table {
		names = append(names, e.Name)
	}
	return names
}

// patterns are the globs of an entry for one variant.
func (e Entry) patterns(variant string) (globs []string) {
	date := variant
	if _, rest, ok := strings.Cut(variant, "-"); ok && len(rest) == len("2006-01-02") {
		date = rest
	}
	for _, f := range e.Files {
		if variant == "" && strings.Contains(f, "{") {
			continue
		}
		f = strings.NewReplacer("{variant}", globEscape(variant), "{date}", globEscape(date)).Replace(f)
		globs = append(globs, path.Clean(f))
	}
	return globs
}

// globEscape keeps a variant from being read as a pattern or as a path upwards.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "/", "_").Replace(s)
}

// NotFoundError says what was looked for, where, and how to get it.
type NotFoundError struct {
	Name    string
	Entry   *Entry // nil: not a known name
	Files   []string
	Folders []string
}

func (e *NotFoundError) Error() string {
	if e.Entry == nil {
		return fmt.Sprintf("dataset %q: neither a file or folder nor one of %s; see: scale-eval datasets list",
			e.Name, strings.Join(Names(), ", "))
	}
	where := "no folder was given: use --data DIR or set SCALE_EVAL_DATA"
	if len(e.Folders) > 0 {
		where = "looked in " + strings.Join(e.Folders, ", ")
	}
	return fmt.Sprintf("dataset %q is not on disk: wanted %s; %s. To obtain it: %s",
		e.Name, strings.Join(e.Files, " or "), where, e.Entry.Get)
}
