package main

import (
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/conform"
	"github.com/gomscp/gomscp/ms"
)

// TestConform runs the command against our media server, and where nobody is.
func TestConform(t *testing.T) {
	cfg := ms.DefaultConfig()
	cfg.SIP.Listen, cfg.MSRP.Listen, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", ""
	cfg.Store = filepath.Join(t.TempDir(), "ms.db")
	s, err := ms.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	addr := s.Addr()
	report := filepath.Join(t.TempDir(), "report.xml")
	for _, args := range []string{"mscp --only mscp/7.2.3,mscp/5.4 --target " + addr, "msrp --only msrp/7.1.2 --offline --target " + addr + ";transport=tcp"} {
		if err := runConform(t.Context(), append(strings.Fields(args), "--format", "junit", "-o", report)); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		b, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		var suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
		}
		if err := xml.Unmarshal(b, &suite); err != nil || suite.Tests < 4 || suite.Failures > 0 {
			t.Errorf("%s: %v\n%s", args, err, b)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err = runConform(t.Context(), strings.Fields("mscp --only mscp/3.1/1 --timeout 100ms --format json -o "+report+" --target "+addr))
	if daemon.ExitStatus(io.Discard, name, err) != 2 || !errors.Is(err, conform.ErrUnreachable) {
		t.Errorf("a media server that is not there: %v", err)
	}
	for _, bad := range []string{"", "sip", "mscp", "msrp --uri msrp://a:1/b;tcp", "mscp --only mscp/99 --list", "mscp --target " + addr + " --format pdf",
		"mscp --transport sctp --list", "mscp --media smoke --list", "mscp --serves tea --list", "msrp --role both --list", "msrp --role sender"} {
		if err := runConform(t.Context(), strings.Fields(bad)); err == nil {
			t.Errorf("conform %s is taken", bad)
		}
	}
}
