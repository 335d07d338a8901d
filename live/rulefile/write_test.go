package rulefile

import (
	"bytes"
	"reflect"
	"testing"
)

// What is written is read as the same set: every field of a rule file, and each of
// its rules and targets alone.
func TestWriteIsReadAgain(t *testing.T) {
	set, err := Parse("full.yaml", full(t))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, set); err != nil {
		t.Fatal(err)
	}
	again, err := Parse("written.yaml", b.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if !reflect.DeepEqual(again.Settings, set.Settings) || !reflect.DeepEqual(again.Default, set.Default) || again.ListedOnly != set.ListedOnly {
		t.Errorf("settings or defaults\n%s", b.String())
	}
	for i := range set.Rules {
		if !reflect.DeepEqual(again.Rules[i], set.Rules[i]) {
			t.Errorf("%+v\n%+v\n%s", again.Rules[i], set.Rules[i], b.String())
		}
	}
	if !reflect.DeepEqual(again.Targets, set.Targets) {
		t.Errorf("%+v\n%+v\n%s", again.Targets, set.Targets, b.String())
	}
}
