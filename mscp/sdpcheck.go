package mscp

import (
	"fmt"
	"net"
	"strings"

	"github.com/gomscp/gomscp/internal/fingerprint"
	"github.com/gomscp/gomscp/internal/sdp"
)

// An sdpCheck is one session description being held to RFC 8866 and to section
// 7.2.1, line by line, since a reader that fails at the first fault could not
// tell of the second.
type sdpCheck struct {
	found  []Finding
	at     int64 // of the line that is looked at
	seen   map[string]bool
	media  bool // in the section of an m-line for a channel
	any    bool // there was such a section
	setup  bool // and it has a=setup
	port   string
	active bool                         // as a=setup has it, at the level nearest to the m-line
	whole  struct{ setup, active bool } // a=setup at the session level
}

// ValidateSDP lists every rule that a session description with a channel
// breaks, in what a channel needs: offers and answers, with and without TLS.
// Whether it suits as the one or the other is what CheckOffer, CheckAnswer and
// CheckTLS tell. The draft's own examples have findings.
func ValidateSDP(b []byte) []Finding {
	c := &sdpCheck{seen: map[string]bool{}}
	if len(b) > MaxBody {
		c.note("longer than %d bytes", MaxBody)
		locate(b, c.found)
		return c.found
	}
	for line := range sdp.Lines(b) {
		c.at = line.Offset
		c.line(line.Raw)
	}
	c.at = int64(len(b))
	c.endMedia()
	for _, key := range []string{"v", "o", "s", "t"} {
		if !c.seen[key] {
			c.note("no %s= line (RFC 8866, section 5)", key)
		}
	}
	if !c.any {
		c.note("no m-line of application and %s (section 7.2.1)", Proto)
		c.found[len(c.found)-1].Fatal = true
	}
	locate(b, c.found)
	return c.found
}

func (c *sdpCheck) note(format string, args ...any) {
	if len(c.found) < MaxFindings {
		c.found = append(c.found, Finding{Offset: c.at, Rule: fmt.Sprintf(format, args...)})
	}
}

func (c *sdpCheck) line(raw string) {
	text, ok := strings.CutSuffix(raw, "\r\n")
	if !ok {
		c.note("a line does not end with CRLF (RFC 8866, section 5)")
		text = strings.TrimRight(text, "\r\n")
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok || len(key) != 1 || strings.HasPrefix(value, " ") {
		c.note("%q is no line of a session description (RFC 8866, section 5)", shorten(text))
		return
	}
	if len(c.seen) == 0 && (key != "v" || value != "0") {
		c.note("the first line is not v=0 (RFC 8866, section 5.1)")
	}
	switch f := strings.Fields(value); key {
	case "o":
		if len(f) != 6 {
			c.note("o= has %d parts, not 6 (RFC 8866, section 5.2)", len(f))
		}
	case "c":
		c.connection(f)
	case "m":
		c.endMedia()
		c.mediaLine(f)
	case "a":
		c.attribute(value)
	}
	c.seen[key] = true
}

// connection checks a c-line. See RFC 8866, section 5.7.
func (c *sdpCheck) connection(f []string) {
	if len(f) != 3 || f[0] != "IN" || f[1] != "IP4" && f[1] != "IP6" {
		c.note("c= is not of IN, IP4 or IP6, and an address (RFC 8866, section 5.7)")
		return
	}
	ip := net.ParseIP(f[2])
	if is4 := ip != nil && ip.To4() != nil; ip != nil && is4 != (f[1] == "IP4") {
		c.note("c= has an address that is not of %s (RFC 8866, section 5.7)", f[1])
	}
}

func (c *sdpCheck) mediaLine(f []string) {
	m, err := parseMediaLine(strings.Join(f, " "))
	if c.media = m != nil || err != nil; !c.media {
		return
	}
	c.any, c.setup, c.active, c.port = true, c.whole.setup, c.whole.active, f[1]
	if err != nil {
		c.note("the m-line has no port from 0 to 65535 (RFC 8866, section 5.14)")
	}
	if len(f) < 4 {
		c.note("the m-line has no format (RFC 8866, section 5.14)")
	}
}

func (c *sdpCheck) attribute(value string) {
	if !c.media && c.seen["m"] {
		return
	}
	switch key, v, _ := strings.Cut(value, ":"); key {
	case "setup":
		if c.setup = true; !c.media {
			c.whole.setup, c.whole.active = true, v == "active"
		}
		c.active = v == "active"
		if v != "active" && v != "passive" { // [MSCP-7.2.1-1]
			c.note("a=setup is %q, neither active nor passive (section 7.2.1)", shorten(v))
		}
	case "connection":
		if v != "new" && v != "existing" {
			c.note("a=connection is %q, neither new nor existing (RFC 4145, section 5)", shorten(v))
		}
	case "fingerprint":
		if !fingerprint.Strict(v) {
			c.note("a=fingerprint is not of a hash and bytes in upper case (RFC 8122, section 5)")
		}
	}
}

// endMedia checks what a section for a channel must have had.
func (c *sdpCheck) endMedia() {
	if c.media && c.active && c.port != "9" && c.port != "0" { // [MSCP-7.2.1-3] only an AS is active, and only in offers
		c.note("the port of an offer is %s, not 9 (section 7.2.1)", shorten(c.port))
	}
	if c.media && !c.setup {
		c.note("no a=setup (section 7.2.1)")
	}
	if c.media && !c.seen["c"] {
		c.note("no c= line (RFC 8866, section 5.7)")
	}
	c.media = false
}
