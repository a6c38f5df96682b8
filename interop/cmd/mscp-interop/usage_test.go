package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/daemon"
)

// TestWrongCommandLines refuses what no command knows, with exit status 2 and a word
// on where help is; -h is no error.
func TestWrongCommandLines(t *testing.T) {
	for _, line := range []string{
		"dmeo", "-x", "version now", "demo now", "demo -x", "demo -keep=maybe", "demo --keep now",
		"send", "send --from sip:a@x --to sip:b@x", "send --form sip:a@x", "send --from sip:a@x --to sip:b@x --setup both hi", "send --from sip:a@x --to sip:b@x --listen here hi", "send --from sip:a@x --to sip:b@x --timeout 5 hi",
		"receive", "receive --user sip:b@x now", "receive --user sip:b@x --count many", "receive --user sip:b@x --setup x",
		"ladder", "ladder --x file", "ladder --protocol http file", "ladder --from noon file",
		"pcap", "pcap file", "pcap -o out.pcap", "pcap --x",
		"conform", "conform sip", "conform mscp msrp", "conform mscp", "conform msrp --uri msrp://x", "conform mscp --only nothing/1 --target x", "conform mscp --target x --format yaml",
		"demo-clean", "demo-clean a b",
	} {
		err := run(t.Context(), strings.Fields(line))
		var out bytes.Buffer
		if status := daemon.ExitStatus(&out, name, err); status != 2 || !strings.Contains(out.String(), " -h") {
			t.Errorf("%s: status %d, %v", line, status, err)
		}
	}
	for _, command := range []string{"demo", "send", "receive", "ladder", "pcap", "conform"} {
		if err := run(t.Context(), []string{command, "-h"}); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s -h: %v", command, err)
		}
	}
}

// TestErrorsArePrintable has the reason of a refusal shown without its escapes.
func TestErrorsArePrintable(t *testing.T) {
	var out bytes.Buffer
	status := daemon.ExitStatus(&out, name, fmt.Errorf("INVITE: 480 %s", "\x1b[2Jgone\u202e"))
	if want := "mscp-interop: INVITE: 480 \ufffd[2Jgone\ufffd\n"; status != 1 || out.String() != want {
		t.Errorf("status %d, %q", status, out.String())
	}
}
