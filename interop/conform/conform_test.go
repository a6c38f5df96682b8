package conform

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the list of IDs anew")

// TestIDs holds the IDs and their demands to the list in testdata: what is in it
// neither changes nor goes away, and what is new is added to it with -update.
func TestIDs(t *testing.T) {
	valid := regexp.MustCompile(`^(mscp|mscp-as|msrp|msrp-sender|msrp-relay|paper|paper-as)/[0-9]+(\.[0-9]+)*/[1-9][0-9]*$`)
	var list strings.Builder
	seen := map[string]bool{}
	as, _ := MSCPAS(ASTarget{})
	sender, _ := MSRPSender(SenderTarget{})
	relay, _ := MSRPRelayClient(RelayClientTarget{})
	for _, c := range slices.Concat(MSCP(MSCPTarget{}), MSRP(MSRPTarget{}), sender, relay, as) {
		if !valid.MatchString(c.ID) || seen[c.ID] || c.Demand == "" || c.run == nil {
			t.Errorf("%q: %q", c.ID, c.Demand)
		}
		seen[c.ID] = true
		level := "should"
		if c.Strict {
			level = "must"
		}
		list.WriteString(c.ID + "\t" + level + "\t" + c.Demand + "\n")
	}
	const file = "testdata/cases.tsv"
	if *update {
		if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := list.String(); got != string(want) {
		t.Errorf("the cases are not those of %s, but\n%s", file, got)
	}
}

func TestSelect(t *testing.T) {
	all := MSCP(MSCPTarget{})
	for pattern, n := range map[string]int{"mscp/7.2.3/1": 1, "mscp/5.2": 3, "mscp/5.[23]/1": 2, "mscp": len(all) - 10, "paper": 10} {
		got, err := Select(all, pattern)
		if err != nil || len(got) != n {
			t.Errorf("%s: %d cases, %v", pattern, len(got), err)
		}
	}
	for _, bad := range []string{"mscp/7.2.3/999", "mscp/[", ""} {
		if got, err := Select(all, bad); err == nil {
			t.Errorf("%q: %d cases", bad, len(got))
		}
	}
	if got, err := Select(all); err != nil || len(got) != len(all) {
		t.Errorf("%d cases, %v", len(got), err)
	}
}

// TestReports runs cases that pass, fail, are skipped, and panic.
func TestReports(t *testing.T) {
	cases := []Case{
		must("mscp/1/1", "passes", func(*T) {}),
		must("mscp/1/2", "fails", func(t *T) {
			t.wire.note(">", []byte("a\x00<\r\nb"))
			t.wire.note(">", []byte(pdu("REQ MSCP/1.0 1", document("request", unjoin))))
			t.wire.note("<", []byte("SIP/2.0 200 OK\r\n"+strings.Repeat("X: y\r\n", 2*MaxWire)))
			for range MaxWire / MaxMessage {
				t.wire.note("<", []byte("MSRP a 200 OK\r\n"+strings.Repeat("y", MaxMessage)))
			}
			t.Fatalf("since <it> must")
		}),
		should("mscp/1/3", "fails as well", func(t *T) { t.Error("it need not") }),
		must("mscp/1/4", "is skipped", func(t *T) { t.Skipf("for want of a peer") }),
		must("mscp/1/5", "panics", func(t *T) { t.Cleanup(func() { t.Log("cleaned up") }); panic("at the disco") }),
	}
	results, err := Run(t.Context(), cases, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(results, Options{})
	if s != (Summary{Passed: 1, Failed: 3, Skipped: 1, Counting: 2}) || Summarize(results, Options{Strict: true}).Counting != 3 {
		t.Errorf("%+v", s)
	}
	if d := results[4].Detail; !strings.Contains(d, "at the disco") || !strings.Contains(d, "cleaned up") {
		t.Errorf("%q", d)
	}
	var text, js, junit, page bytes.Buffer
	for _, err := range []error{WriteText(&text, results, Options{}), WriteJSON(&js, results), WriteJUnit(&junit, results, Options{}), WriteHTML(&page, results, Options{})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"ok    mscp/1/1 ", "FAIL  mscp/1/2 ", "> a\uFFFD<", "warn  mscp/1/3 ", "skip  mscp/1/4 ", "5 cases: 1 passed, 3 failed (2 of them count), 1 skipped"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("there is no %q in\n%s", want, text.String())
		}
	}
	for _, want := range []string{`<details class="case failed" data-section="mscp 1"`, "since &lt;it&gt; must", `<details class="m sent"><summary>REQ MSCP/1.0 1 · unjoin`, `<div class="note">…`, "<option>mscp 1</option>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("there is no %q in\n%s", want, page.String())
		}
	}
	if w := results[1].Wire; !strings.Contains(w, "more bytes of this message are not shown") || !strings.Contains(w, "is not shown") || len(w) > 3*MaxWire {
		t.Errorf("what is cut is not told: %d bytes", len(w))
	}
	if strings.Contains(page.String(), "http") {
		t.Error("the page has something from elsewhere")
	}
	var decoded []map[string]any
	if err := json.Unmarshal(js.Bytes(), &decoded); err != nil || len(decoded) != 5 || decoded[1]["outcome"] != "failed" || decoded[1]["section"] != "1" {
		t.Errorf("%v: %s", err, js.String())
	}
	var suite junitSuite
	if err := xml.Unmarshal(junit.Bytes(), &suite); err != nil || suite.Failures != 2 || suite.Skipped != 2 || suite.Cases[1].Failure.Message != "since <it> must" {
		t.Errorf("%v: %s", err, junit.String())
	}
}
