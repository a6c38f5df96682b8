package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/interop/softphone"
)

// TestMetricNames has Prometheus' own linter read the pages of both servers after a
// message has been left and delivered, and holds the manuals to the names on them.
func TestMetricNames(t *testing.T) {
	e := newEnv(t, envOptions{})
	e.leave(alice, bob, "one")
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	e.wantKept(0)
	e.eventually("the directory is empty", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
	promtool, err := exec.LookPath("promtool")
	for server, manual := range map[string]string{"as": "../../as/doc.go", "ms": "../../ms/doc.go"} {
		p := e.cluster.AS
		if server == "ms" {
			p = e.cluster.MS[0]
		}
		page, getErr := p.Get(e.ctx, "/metrics")
		if getErr != nil {
			t.Fatal(getErr)
		}
		text, readErr := os.ReadFile(manual)
		if readErr != nil {
			t.Fatal(readErr)
		}
		for _, m := range metricType.FindAllStringSubmatch(page, -1) {
			if !regexp.MustCompile(m[1] + `\b`).Match(text) {
				t.Errorf("%s does not name %s", manual, m[1])
			}
		}
		if err != nil {
			continue
		}
		cmd := exec.Command(promtool, "check", "metrics")
		cmd.Stdin = strings.NewReader(page)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics, %s: %v\n%s", p.Name, err, out)
		}
	}
	switch {
	case err != nil && os.Getenv("GOMSCP_REQUIRE_PEERS") == "1":
		t.Error(err)
	case err != nil:
		t.Skip("promtool is not installed")
	}
}

// metricType finds the names of the servers' own metrics on a page.
var metricType = regexp.MustCompile(`(?m)^# TYPE (mscp_\S+) `)
