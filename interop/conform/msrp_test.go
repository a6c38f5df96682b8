package conform

import (
	"strings"
	"testing"
)

// TestMSRPOwn runs all cases against our media server, which stores what it
// takes.
func TestMSRPOwn(t *testing.T) {
	results, err := Run(t.Context(), MSRP(MSRPTarget{SIP: mediaServer(t), Offline: true}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := WriteText(&text, results, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	if s := Summarize(results, Options{}); s.Counting > 0 || s.Passed < 40 {
		t.Errorf("%v", s)
	}
}
