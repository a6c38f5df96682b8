package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestMetricNames has Prometheus' own linter read the pages of both servers after a
// message has been left and delivered, and compares the manual with the names on them.
func TestMetricNames(t *testing.T) {
	e := newEnv(t, envOptions{})
	e.leave(alice, bob, "one")
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	e.wantKept(0)
	e.eventually("the directory is empty", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
	promtool, err := exec.LookPath("promtool")
	for prefix, p := range map[string]*cluster.Process{"mscp_as_": e.cluster.AS, "mscp_mediaserver_": e.cluster.MS[0]} {
		page, getErr := p.Get(e.ctx, "/metrics")
		if getErr != nil {
			t.Fatal(getErr)
		}
		compareManual(t, prefix, page)
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

// manualRow finds the metrics that the manual's tables describe.
var manualRow = regexp.MustCompile("(?m)^\\| `(mscp_[a-z_]+)` \\|")

// compareManual compares the metrics on a page with those in the manual's tables. A metric
// without a sample is not on the page: the servers' source must have its name then.
func compareManual(t *testing.T, prefix, page string) {
	t.Helper()
	const manual = "../../docs/manual.md"
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	documented, printed := map[string]bool{}, map[string]bool{}
	for _, m := range manualRow.FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(m[1], prefix) {
			documented[m[1]] = true
		}
	}
	for _, m := range metricType.FindAllStringSubmatch(page, -1) {
		if printed[m[1]] = true; !documented[m[1]] {
			t.Errorf("%s does not name %s", manual, m[1])
		}
	}
	source := sourceOf(t, "../../as", "../../ms")
	for name := range documented {
		if !printed[name] && !strings.Contains(source, `"`+name+`"`) && !strings.Contains(source, `"`+strings.TrimPrefix(name, prefix)+`"`) {
			t.Errorf("%s names %s, which no server has", manual, name)
		}
	}
}

// sourceOf is the Go source of folders, without their tests.
func sourceOf(t *testing.T, folders ...string) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			b, err := os.ReadFile(path)
			all.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
