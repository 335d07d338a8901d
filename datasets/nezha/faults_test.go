package nezha_test

import (
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/datasets/inject"
	"github.com/scale-eval/scale-eval/datasets/nezha"
	"github.com/scale-eval/scale-eval/datasets/trace"
)

const at = int64(1661142423) * 1e9

// labelledDay has 100 fault-free calls of the cart of 1 to 100 ms (half of them in
// construct_data), and one of 120 ms while the cart's network was slow.
func labelledDay(faults string) []string {
	const ms = 1_000_000
	calm, early := header, header
	for i := range 100 {
		text := &calm
		if i%2 == 0 {
			text = &early
		}
		end := at - 1e9
		*text += row(100+i, 1, "root", frontend, "Cart/Get", end-int64(i+1)*ms, end)
	}
	end := at + 10e9
	faulty := header + row(1, 1, "root", frontend, "Cart/Get", end-120*ms, end) +
		row(1, 2, "0000000000000001", cart, "Recv.", end-10*ms, end-5*ms)
	return []string{
		"rca_data/d/trace/04_26_trace.csv", calm,
		"construct_data/d/trace/04_20_trace.csv", early,
		"rca_data/d/trace/04_27_trace.csv", faulty,
		"rca_data/d/d-fault_list.json", faults,
	}
}

const cartFault = `{"inject_time": "2022-08-22 04:27:03", "inject_timestamp": "1661142423", "inject_pod": "` + cart + `", "inject_type": "network_delay"}`

// TestLabels runs the decoder with Track B: the caller is positive by a p99 of
// 99 ms, which needs the construction data to be known at all.
func TestLabels(t *testing.T) {
	var b inject.TrackB
	d := nezha.NewDecoder(archive(t, labelledDay(`{"04": [`+cartFault+`]}`)...), nezha.Options{Label: &b})
	spans, bad, err := drain(d)
	if err != nil || len(bad) > 0 || len(spans) != 52 {
		t.Fatal(len(spans), bad, err)
	}
	const name = "network_delay cart-service 2022-08-22T04:27:03Z"
	for _, s := range spans {
		label, kind := trace.Normal, ""
		switch {
		case s.TraceID.Lo == 1 && s.ID == 1:
			label, kind = trace.Anomalous, name
		case s.TraceID.Lo == 1:
			kind = name
		}
		if s.Label != label || s.Kind != kind {
			t.Errorf("%+v: want %v %q", s, label, kind)
		}
	}
	c := b.Counts()
	if len(c) != 1 || c[0].Name() != name || c[0].Positives != 1 || c[0].Candidates != 1 || c[0].Window != 2 {
		t.Errorf("%+v", c)
	}
}

// TestBadFaults: a row that makes no fault is a bad row of its file; the others
// count.
func TestBadFaults(t *testing.T) {
	for from, c := range map[string]struct{ to, want string }{
		`"1661142423"`:    {`"soon"`, `d-fault_list.json:1: inject_timestamp: "soon": want seconds since 1970`},
		`1661142423`:      {`9223372036854775807`, `1: inject_timestamp: "9223372036854775807": want seconds`},
		cart:              {"cart", `1: inject_pod: "cart": want <service>-<hash>-<suffix>`},
		"network_delay":   {"meteorite", `1: inject_type: fault type "meteorite": want network_delay`},
		`"network_delay"`: {"7", "1: json: cannot unmarshal number"},
		"inject_pod":      {"pod", `1: inject_pod: ""`},
	} {
		list := `{"04": [` + strings.Replace(cartFault, from, c.to, 1) + "," + cartFault + `]}`
		var b inject.TrackB
		d := nezha.NewDecoder(archive(t, labelledDay(list)...), nezha.Options{Label: &b})
		_, bad, err := drain(d)
		if err != nil || len(bad) != 1 || !strings.Contains(bad[0], c.want) {
			t.Errorf("%s: bad %q, %v; want %q", c.to, bad, err, c.want)
		}
	}
	broken := strings.Replace(cartFault, "2022-08-22 04:27:03", "noon", 1)
	d := nezha.NewDecoder(archive(t, labelledDay(`{"04": [`+broken+`]}`)...), nezha.Options{})
	if _, bad, err := drain(d); err != nil || len(bad) > 0 || len(d.Faults()) != 1 || !strings.Contains(d.Warnings()[0], "inject_time \"noon\" cannot be read") {
		t.Errorf("%v %v %q", bad, err, d.Warnings())
	}
}

// TestLabelsNeedFaults: without a fault no label is made up.
func TestLabelsNeedFaults(t *testing.T) {
	day := labelledDay(`{}`)
	for want, pairs := range map[string][]string{
		"no <date>-fault_list.json": day[:6],
		"no fault to label by":      day,
	} {
		d := nezha.NewDecoder(archive(t, pairs...), nezha.Options{Label: &inject.TrackB{}})
		if spans, _, err := drain(d); err == nil || len(spans) > 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%d spans, %v; want %q", len(spans), err, want)
		}
		if spans, _, err := drain(nezha.NewDecoder(archive(t, pairs...), nezha.Options{})); err != nil || len(spans) != 52 || spans[0].Label != trace.Unlabelled {
			t.Errorf("without labels: %d spans, %v", len(spans), err)
		}
	}
}

// check holds whatever the bytes are: no panic, spans in order and well-formed, bad
// rows that name their file.
func check(t *testing.T, d *nezha.Decoder) {
	spans, bad, _ := drain(d)
	for i, s := range spans {
		if s.Duration < 0 || s.Start < 0 || s.End() < s.Start || s.ID == 0 || s.Service == "" {
			t.Errorf("span %+v", s)
		}
		if i > 0 && spans[i-1].End() > s.End() {
			t.Errorf("span %d ended before the one before it", i)
		}
	}
	for _, b := range bad {
		if !strings.HasPrefix(b, "day.tar:") {
			t.Errorf("bad row without its file: %s", b)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add(row(1, 1, "root", frontend, "op", 0, 5000) + row(1, 1, "root", frontend, "op", 0, 5000))
	f.Add(row(1, 1, "0000000000000001", frontend, `"o,p"`, at, at+300e9))
	f.Add("1,2,root,a-b-c,op,9223372036854775807,9223372036854775807,0\n1,2,root,a-b-c,,0,9223372036854775807,9223372036854775\n")
	f.Fuzz(func(t *testing.T, rows string) {
		check(t, nezha.NewDecoder(archive(t, "03_53_trace.csv", header+rows, "d-fault_list.json", `{"04": [`+cartFault+`]}`),
			nezha.Options{Label: &inject.TrackB{}}))
	})
}

func FuzzFaultList(f *testing.F) {
	f.Add(`{"04": [` + cartFault + `]}`)
	f.Add(`{"04": [` + cartFault + `, {"inject_timestamp": 4611686018, "inject_pod": "a-b-c", "inject_type": "cpu_"}], "05": [null]}`)
	f.Add(`{"04": [[], {"inject_timestamp": -1}], "04": 3}`)
	f.Fuzz(func(t *testing.T, list string) {
		day := labelledDay(list)
		check(t, nezha.NewDecoder(archive(t, day...), nezha.Options{Label: &inject.TrackB{}}))
	})
}
