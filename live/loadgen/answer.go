package loadgen

import (
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// rejectedOf is how many spans an answer rejects for good.
func rejectedOf(answer []byte) (int64, error) {
	if len(answer) == 0 { // the commonest case
		return 0, nil
	}
	var res collectorpb.ExportTraceServiceResponse
	if err := proto.Unmarshal(answer, &res); err != nil {
		return 0, err
	}
	return res.GetPartialSuccess().GetRejectedSpans(), nil
}
