package trace

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	id := TraceIDFromBytes([]byte{1, 2, 3})
	if got := id.String(); got != strings.Repeat("0", 26)+"010203" {
		t.Errorf("short trace id: %s", got)
	}
	b := id.Bytes()
	if TraceIDFromBytes(b[:]) != id {
		t.Error("trace id does not survive its bytes")
	}
	sid := SpanIDFromBytes([]byte{0xab, 0xcd})
	sb := sid.Bytes()
	if sid.String() != "000000000000abcd" || SpanIDFromBytes(sb[:]) != sid {
		t.Errorf("span id: %s", sid)
	}
	for name, f := range map[string]func(){
		"trace id": func() { TraceIDFromBytes(make([]byte, 17)) },
		"span id":  func() { SpanIDFromBytes(make([]byte, 9)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: too many bytes did not panic", name)
				}
			}()
			f()
		}()
	}
}

func TestLabels(t *testing.T) {
	for l := range numLabels {
		if got, err := ParseLabel(l.String()); err != nil || got != l {
			t.Errorf("%d -> %q -> %d, %v", l, l.String(), got, err)
		}
	}
	if _, err := ParseLabel("abnormal"); err == nil || !strings.Contains(err.Error(), "anomalous") {
		t.Errorf("an unknown label must name the known ones: %v", err)
	}
	var scored, positive []Label
	for l := range numLabels {
		if l.Scored() {
			scored = append(scored, l)
		}
		if l.Positive() {
			positive = append(positive, l)
		}
	}
	if !reflect.DeepEqual(scored, []Label{Normal, Anomalous, Candidate}) || !reflect.DeepEqual(positive, []Label{Anomalous}) {
		t.Errorf("scored %v, positive %v", scored, positive)
	}
}

func TestCallsAreBounded(t *testing.T) {
	c := NewCalls(3, nil)
	for i := range 10 {
		id := c.Of("svc", fmt.Sprint("op", i))
		if want := Call(i + 1); i < 3 && id != want || i >= 3 && id != OverflowCall {
			t.Errorf("op%d is call %d", i, id)
		}
	}
	if again := c.Of("svc", "op1"); again != 2 || c.Name(again) != "svc::op1" {
		t.Errorf("op1 is call %d %q", again, c.Name(again))
	}
	if c.Len() != 4 || c.Overflowed() != 7 {
		t.Errorf("len %d, overflowed %d: want 4 and 7", c.Len(), c.Overflowed())
	}
	if c.Of("a", "b::c") == c.Of("a::b", "c") && c.Overflowed() == 7 {
		t.Error("the separator must not make two calls one")
	}
}

func TestCallsBoundTheirCache(t *testing.T) {
	s, err := NewSanitiser([]string{`[0-9]+=>N`})
	if err != nil {
		t.Fatal(err)
	}
	c := NewCalls(2, s)
	for i := range 1000 {
		if id := c.Of("svc", fmt.Sprint("op", i)); id != 1 {
			t.Fatalf("op%d is call %d", i, id)
		}
	}
	if len(c.clean) > 4*2 {
		t.Errorf("%d cached names for a table of 2", len(c.clean))
	}
}

func TestDefaultSanitiseRules(t *testing.T) {
	s, err := NewSanitiser(DefaultSanitiseRules)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"GET /api/cart?sessionId=1f&currency=USD":        "GET /api/cart",
		"GET /user/42/orders/7":                          "GET /user/{id}/orders/{id}",
		"/a/1/2/3":                                       "/a/{id}/{id}/{id}",
		"/o/6f1b2c3d-0000-4111-8222-0123456789ab/items":  "/o/{id}/items",
		"/o/0123456789abcdef0123":                        "/o/{id}",
		"/v1/traces":                                     "/v1/traces",
		"POST /oteldemo.CartService/GetCart":             "POST /oteldemo.CartService/GetCart",
		"executing api route (pages) /api/products/[id]": "executing api route (pages) /api/products/[id]",
		"HGET":                                  "HGET",
		"is this a query?":                      "is this a query?",
		"GET /#/route":                          "GET /",
		"grpc.oteldemo.CurrencyService/Convert": "grpc.oteldemo.CurrencyService/Convert",
		"":                                      "",
	} {
		if got := s.Clean(in); got != want {
			t.Errorf("%q -> %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"no arrow", "([=>x"} {
		if _, err := NewSanitiser([]string{"a=>b", bad}); err == nil || !strings.Contains(err.Error(), "rule 2") {
			t.Errorf("%q: %v, want an error that names the rule", bad, err)
		}
	}
}

func TestBad(t *testing.T) {
	var b Bad
	for i := range 50 {
		b.Add(&RowError{File: "f.csv", Row: int64(i + 2), Field: []string{"a", "b"}[i%5/4], Msg: "text"})
	}
	if b.Total != 50 || len(b.First) != MaxKeptRowErrors || b.First[1].Error() != "f.csv:3: a: text" {
		t.Errorf("%d, kept %d, second %v", b.Total, len(b.First), b.First[1])
	}
	if got := b.ByField(); !reflect.DeepEqual(got, []FieldCount{{"a", 40}, {"b", 10}}) {
		t.Errorf("by field %v", got)
	}
	if got := (&RowError{File: "f", Row: 1, Msg: "cut"}).Error(); got != "f:1: cut" {
		t.Error(got)
	}
}
