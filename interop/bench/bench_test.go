package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/testenv"
)

var binaries cluster.Binaries

func TestMain(m *testing.M) { testenv.Main(m, &binaries) }

// TestRun measures the same version twice, for a moment, and checks what is told.
func TestRun(t *testing.T) {
	var progress bytes.Buffer
	dir := t.TempDir()
	r, err := Run(t.Context(), Options{
		Versions: []Version{{"this", binaries}, {"other", binaries}},
		Duration: time.Second, Rounds: 1, Progress: &progress, Profiles: dir,
		Only: regexp.MustCompile("^64 senders x 1 |^256 callers"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Figures) != 4 || strings.Count(progress.String(), "\n") != 4 {
		t.Fatalf("%d figures; progress:\n%s", len(r.Figures), &progress)
	}
	for _, f := range r.Figures {
		if f.Rate < 1 || f.P50 <= 0 || f.P99 < f.P50 {
			t.Errorf("%+v", f)
		}
		if runtime.GOOS == "linux" && (f.CPU["ms"] <= 0 || f.CPU["client"] <= 0 || f.Unit == "call" && f.CPU["as"] <= 0) {
			t.Errorf("no processor time: %+v", f)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 8 { // of two servers in four rounds
		t.Errorf("%d profiles, %v", len(files), err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil || strings.Count(text.String(), "\n") != 7 || !strings.Contains(text.String(), "1.00") {
		t.Errorf("%v\n%s", err, &text)
	}
	if b, err := json.Marshal(r); err != nil || !bytes.Contains(b, []byte(`"per_second"`)) {
		t.Errorf("%s, %v", b, err)
	}
}

// TestRunFails is a version that does not start.
func TestRunFails(t *testing.T) {
	_, err := Run(t.Context(), Options{Versions: []Version{{"this", cluster.Binaries{AS: "/nowhere/mscp-as", MS: "/nowhere/mscp-ms"}}}})
	if err == nil || !strings.Contains(err.Error(), "this: ") {
		t.Errorf("got %v", err)
	}
}

func TestMedian(t *testing.T) {
	if f := median([]Figure{{Rate: 3}, {Rate: 1}, {Rate: 2}}); f.Rate != 2 {
		t.Errorf("%v", f.Rate)
	}
}
