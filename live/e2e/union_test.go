//go:build e2e && unix

package e2e

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/scale-eval/scale-eval/live/internal/raw"
	"github.com/scale-eval/scale-eval/live/loadgen"
	"github.com/scale-eval/scale-eval/live/stream"
)

// spanKey tells spans apart.
type spanKey struct{ trace, span string }

// subscriber keeps the ids of the spans that a sampler's stream brought.
type subscriber struct {
	mu     sync.Mutex
	spans  map[spanKey]int
	missed int64
}

func (s *subscriber) follow(t *testing.T, addr string) {
	t.Helper()
	conn := dialled(t, addr)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	connected := make(chan struct{})
	once := sync.OnceFunc(func() { close(connected) })
	go stream.Follow(ctx, conn, stream.FollowOptions{Name: "e2e", Connected: once}, func(r stream.Received) error {
		var td tracepb.TracesData
		if err := proto.Unmarshal(r.Data, &td); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.missed += r.Missed
		for _, rs := range td.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, span := range ss.Spans {
					s.spans[spanKey{string(span.TraceId), string(span.SpanId)}]++
				}
			}
		}
		return nil
	})
	select {
	case <-connected:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream of " + addr + " is not there")
	}
}

func (s *subscriber) len() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.spans) }

func dialled(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	// The write buffer is that of the Collector's exporter.
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithWriteBufferSize(512<<10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// send exports n times, one after the other, and gives how many spans that were.
func send(t *testing.T, addr string, g *loadgen.Generator, n int) int64 {
	t.Helper()
	conn := dialled(t, addr)
	for range n {
		msg, reply := raw.Message{Data: g.Next(time.Now().UnixNano())}, raw.Message{}
		err := conn.Invoke(bounded(t, time.Minute), "/opentelemetry.proto.collector.trace.v1.TraceService/Export", &msg, &reply, grpc.ForceCodecV2(raw.Codec))
		if err != nil {
			t.Fatal(err)
		}
		reply.Free()
	}
	return int64(n * g.Spans())
}

func generator(t *testing.T, seed uint64) *loadgen.Generator {
	t.Helper()
	c := loadgen.DefaultConfig()
	c.Seed = seed
	g, err := loadgen.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// unionExports is how many exports of 20 traces with 10 spans each go through the
// Collector; one trace of a hundred has a slow span.
const unionExports = 500

// behindCollector sends the same spans through a Collector to samplers that start from
// one snapshot, and gives what they sampled.
func behindCollector(t *testing.T, name, snapshot string, samplers int) map[spanKey]int {
	t.Helper()
	sub := &subscriber{spans: map[spanKey]int{}}
	var list []*sampler
	var addrs []string
	for i := range samplers {
		s := startSampler(t, name+string(rune('a'+i)), "--state", copied(t, name+string(rune('a'+i))+"-state", snapshot), "--learn=false")
		sub.follow(t, s.otlp)
		list, addrs = append(list, s), append(addrs, s.otlp)
	}
	col := startCollector(t, name+"-collector", addrs...)
	sent := send(t, col.otlp, generator(t, 2), unionExports)
	wait(t, 30*time.Second, "every span to be judged, and what was sampled to come", func() bool {
		var judged, sampled int64
		busy := 0
		for _, s := range list {
			v := s.status(t).Receiver
			judged, sampled = judged+v.Spans, sampled+v.Sampled
			if v.Spans > 0 {
				busy++
			}
		}
		return judged == sent && int64(sub.len()) == sampled && busy > samplers/2
	})
	if sub.missed > 0 {
		t.Fatalf("the subscriber missed %d spans", sub.missed)
	}
	for k, n := range sub.spans {
		if n != 1 {
			t.Errorf("span %x was sampled %d times", k, n)
		}
	}
	return sub.spans
}

func copied(t *testing.T, name, snapshot string) string {
	t.Helper()
	b, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.run.Write(name+"/live.json", string(b)); err != nil {
		t.Fatal(err)
	}
	return all.run.Path(name)
}

// TestUnion: three samplers behind the Collector's load-balancing exporter, keyed by
// service, sample together the very spans that one samples alone. They start from one
// trained snapshot and learn no more. No slow span of this load is the parent of a slow
// one of another service, which a sampler that sees one of both would judge by itself.
func TestUnion(t *testing.T) {
	t.Parallel() // it has processes of its own
	first := startSampler(t, "union-trained", "--cold", "--state", all.run.Path("union-trained-state"))
	send(t, first.otlp, generator(t, 1), 100)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	snapshot := all.run.Path("union-trained-state", "live.json")
	one := behindCollector(t, "union-one-", snapshot, 1)
	three := behindCollector(t, "union-three-", snapshot, 3)
	if len(one) < 50 {
		t.Fatalf("%d spans sampled of %d: the load has some 100 slow ones", len(one), unionExports*200)
	}
	if len(one) != len(three) {
		t.Errorf("one samples %d spans, three %d", len(one), len(three))
	}
	for k := range one {
		if three[k] == 0 {
			t.Errorf("span %x is sampled by one alone", k)
		}
	}
	t.Logf("%d of %d spans, the same ones", len(one), unionExports*200)
}

// TestCollectorConfig: the documented configuration is one that the Collector takes.
func TestCollectorConfig(t *testing.T) {
	p := startEnv(t, []string{"SAMPLERS=[127.0.0.1:1,127.0.0.1:2,127.0.0.1:3]"}, "validate", peerPath(t, "otelcol"), "validate", "--config", collectorConfig())
	ended(t, bounded(t, time.Minute), p)
}
