package conform

import (
	"context"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMSCPServing runs all cases against a media server that serves everything: none fails,
// and none is skipped that it is for.
func TestMSCPServing(t *testing.T) {
	for _, transport := range []string{"tcp", "tls", "info"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			m := serve(t, fault{}).target()
			m.Transport = transport
			for _, r := range runAll(t, m, Options{}) {
				if r.Counts(Options{}) || r.Outcome == Skipped && transport != "info" {
					t.Errorf("%s: %s", r.ID, r.Detail)
				}
			}
		})
	}
}

// mscpFaults has one fault for each strict case.
func mscpFaults() []fault {
	return slices.Concat(protocolFaults, prepareFaults, startFaults, dialogFaults, conferenceFaults, setUpFaults, pduFaults, paperFaults)
}

// firstNoticed has all strict cases run up to that which must notice a fault, and not that
// case alone.
var firstNoticed = flag.Bool("faults.first", false, "run the cases before the one that must notice a fault, too, and further faults")

// strict are the strict cases, in their order.
func strict(cases []Case) []Case {
	return slices.DeleteFunc(cases, func(c Case) bool { return !c.Strict })
}

// first is the first strict case, of all or of some, that fails for a fault, and why.
func first(t *testing.T, f fault, timeout time.Duration, only ...string) Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var found Result
	o := Options{Timeout: timeout, OnResult: func(r Result) {
		if r.Counts(Options{}) {
			found = r
			cancel()
		}
	}}
	cases, err := Select(strict(MSCP(serve(t, f).target())), only...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(ctx, cases, o); err != nil && found.ID == "" {
		t.Fatal(err)
	}
	return found
}

// TestMSCPFaults has each fault noticed by its case, with -faults.first first by it, and each
// strict case notice one.
func TestMSCPFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the cases up to that for each fault")
	}
	of := map[string]string{}
	for _, f := range mscpFaults() {
		of[f.fails] = f.name
		t.Run(strings.ReplaceAll(f.fails, "/", "_"), func(t *testing.T) {
			t.Parallel()
			var only []string
			if !*firstNoticed {
				only = []string{f.fails}
			}
			if r := first(t, f, 5*time.Second, only...); r.ID != f.fails {
				t.Errorf("%s: %q is noticed first, not %s: %s\n%s", f.name, r.ID, f.fails, r.Detail, r.Wire)
			}
		})
	}
	for _, c := range strict(MSCP(MSCPTarget{})) {
		if of[c.ID] == "" {
			t.Errorf("no fault is for %s", c.ID)
		}
	}
}

// TestRefuserFails has a media server that refuses everything, each time in the right way,
// fail the strict run, though nothing is known of what it is for. (It knows the paper's
// requests, and so fails their cases, too.)
func TestRefuserFails(t *testing.T) {
	m := serve(t, fault{handle: refuseAll}).target()
	m.Serves = nil
	results := runAll(t, m, Options{})
	var failed []string
	for _, r := range results {
		if r.Counts(Options{}) && strings.HasPrefix(r.ID, "mscp/") {
			failed = append(failed, r.ID)
		}
	}
	if len(failed) != 1 || failed[0] != "mscp/2.1/2" {
		t.Errorf("what fails is %q", failed)
	}
}
