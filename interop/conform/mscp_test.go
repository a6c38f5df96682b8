package conform

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/ms"
)

// mediaServer runs our own, as its settings are.
func mediaServer(t *testing.T) string {
	t.Helper()
	s := startMS(t, func(*ms.Config) {})
	return s.Addr()
}

func startMS(t *testing.T, change func(*ms.Config)) *ms.Server {
	t.Helper()
	cfg := ms.DefaultConfig()
	cfg.SIP.Listen, cfg.MSRP.Listen, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", ""
	cfg.Store = filepath.Join(t.TempDir(), "ms.db")
	change(&cfg)
	s, err := ms.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// runAll runs the cases of a media server and logs how they ended.
func runAll(t *testing.T, m MSCPTarget, o Options) []Result {
	t.Helper()
	results, err := Run(t.Context(), MSCP(m), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := WriteText(&text, results, o); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	return results
}

// lacking is why a case may be skipped for our media server, which is for messages.
var lacking = regexp.MustCompile("serves no (dialogs|conferences|tls)|over INFO there|not about MSCP over INFO|there is no document|cannot restart")

// TestMSCPOwn runs all cases against our media server, over each transport.
func TestMSCPOwn(t *testing.T) {
	for _, transport := range []string{"tcp", "tls", "info"} {
		t.Run(transport, func(t *testing.T) {
			s := startMS(t, func(c *ms.Config) {
				if transport == "tls" {
					c.TLS.Certificate, c.TLS.Key = certificateFiles(t)
					c.SIP.TLSListen = "127.0.0.1:0"
				}
			})
			results := runAll(t, MSCPTarget{SIP: s.Addr(), Transport: transport, Serves: []string{"messages", "info"}}, Options{})
			if s := Summarize(results, Options{}); s.Counting > 0 {
				t.Errorf("%v", s)
			}
			for _, r := range results {
				if r.Outcome == Skipped && !lacking.MatchString(r.Detail) {
					t.Errorf("%s is skipped: %s", r.ID, r.Detail)
				}
			}
		})
	}
}
