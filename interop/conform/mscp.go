package conform

import (
	"context"
	"slices"
	"strings"
)

// MSCPTarget is a media server under test.
type MSCPTarget struct {
	SIP  string // host:port where it takes SIP, with ;transport=tcp for TCP
	From string // our URI; "" names the address we are at
	To   string // whom we call; "" names the address of the media server
	// Transport is the transport of the control channel: tcp, tls or info; "" means tcp.
	Transport string
	// Media is the media of the runner's connections to it: message (MSRP) or audio; ""
	// means message.
	Media string
	// Serves lists what the media server must support: conferences, dialogs, messages,
	// tls, info. If it refuses one of these, the case fails. If it refuses another one,
	// the case is skipped.
	Serves []string

	// The URIs of documents of dialogs that the media server can execute: one that ends by
	// itself at once, one that goes on until it is terminated, one that starts and then
	// fails, one that asks for the call to be disconnected, and one that asks for it to be
	// transferred. Without one, the cases about it are skipped; without Exit, it is a text
	// in a data: URI. The type of a data: URI is sent as that of the document.
	DialogExit, DialogWait, DialogFail, DialogDisconnect, DialogTransfer string

	// Restart stops the media server and starts it again. Without it, the cases about
	// restarts are skipped.
	Restart func(context.Context) error

	identity *identity
}

// MSCP returns the cases for a media server, in the order of the sections of
// draft-mcglashan-mscp-02, and then those of the paper.
func MSCP(m MSCPTarget) []Case {
	m.identity = &identity{}
	if m.DialogExit == "" {
		m.DialogExit = "data:text/plain,conform"
	}
	return inOrder(slices.Concat(
		m.section2_1(), m.section2_3_1(), m.section3_1(), m.section3_2(), m.section3_3(),
		m.section4_1(), m.section4_2(), m.section4_3(), m.section4_4(), m.section4_5(), m.section4_6(), m.section4_7(), m.section4_8(), m.section4_10(),
		m.section5_1(), m.section5_2(), m.section5_3(), m.section5_4(), m.section5_5(),
		m.section7_1(), m.section7_2(), m.section7_2_1(), m.section7_2_2(), m.section7_2_3(), m.section7_2_4(), m.section7_2_5(), m.section7_2_6(),
		m.section9(), m.paper2_3_4()))
}

// on makes what runs a case on a control channel of its own.
func (m MSCPTarget) on(run func(t *T, c *channel)) func(*T) {
	return func(t *T) { run(t, m.setUp(t)) }
}

// onTCP does so with a channel of section 7.2, over TCP or TLS.
func (m MSCPTarget) onTCP(run func(t *T, c *channel)) func(*T) {
	return func(t *T) {
		if m.Transport == "info" {
			t.Skipf("it is not about MSCP over INFO")
		}
		run(t, m.setUp(t))
	}
}

// serves reports whether the media server is said to be for something.
func (m MSCPTarget) serves(what string) bool { return slices.Contains(m.Serves, what) }

// lacks ends a case for which the media server lacks something: it is skipped, or has
// failed if the media server is said to be for that.
func (m MSCPTarget) lacks(t *T, what, format string, args ...any) {
	t.Helper()
	if m.serves(what) {
		t.Fatalf("the media server is for "+what+", and yet "+format, args...)
	}
	t.Skipf("the media server serves no "+what+": "+format, args...)
}

// source is a document that dialogs can be made of, or not.
func (m MSCPTarget) source() string { return m.DialogExit }

// doc is the attributes of a request that name a document.
func doc(uri string) string {
	attrs := attribute("src", uri)
	if rest, ok := strings.CutPrefix(uri, "data:"); ok {
		media, _, _ := strings.Cut(rest, ",")
		if media, _, _ = strings.Cut(media, ";"); media == "" {
			media = "text/plain" // RFC 2397, section 2
		}
		attrs += " " + attribute("type", media)
	}
	return attrs
}
