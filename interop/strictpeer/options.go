package strictpeer

import "strings"

// Options are the habits of a phone. User, Domain and Proxy are needed.
type Options struct {
	User, Domain, Password string
	Proxy                  string // host:port
	TCP                    bool   // SIP over TCP

	// AddressContact names the phone's address in Contact, where otherwise its
	// GRUU is named.
	AddressContact bool
	// Passive has the phone wait for MSRP connections where it has the choice; it
	// connects otherwise. In its own offers, it asks for the opposite.
	Passive bool
	// AcceptTypes and AcceptWrapped are what the phone takes, and needs the other
	// side to take; nil means what SIP SIMPLE clients take.
	AcceptTypes, AcceptWrapped []string
	// DemandCPIM refuses an offer that does not take text inside message/cpim.
	DemandCPIM bool

	Binding Binding
	Reports Reports // that it sends for what it has received
	// AlwaysAnswer sends a 200 where Failure-Report says no, as node-lib and
	// tinyMSRP do.
	AlwaysAnswer bool
	// AnswerReports sends a 200 to a REPORT, as tinyMSRP does.
	AnswerReports bool
	// KeepAlive sends an empty SEND with Keep-Alive before each message.
	KeepAlive bool
	// MessageIDFirst writes Message-ID before Byte-Range, as msrp-java does.
	MessageIDFirst bool
	// PieceSize has the phone write to MSRP in pieces of so many bytes; 0 means
	// each request at once.
	PieceSize int
}

// Binding is the form of the empty SEND that binds a connection to its session.
type Binding int

// The forms that are in use.
const (
	BindWithRange   Binding = iota // Byte-Range: 1-0/0, as msrplib and msrp-java
	BindWithoutBody                // no Byte-Range, as node-lib and tinyMSRP
	BindEmptyBody                  // a Content-Type and no bytes, as nio-msrp
)

// Reports are the success reports that a phone sends where they are asked for.
type Reports int

// The manners that are in use.
const (
	ReportChunks  Reports = iota // one a chunk, as msrplib
	ReportMessage                // one for all, as msrp-java
)

var (
	sipSimpleTypes   = []string{"message/cpim", "text/*", "image/*", "application/im-iscomposing+xml"}
	sipSimpleWrapped = []string{"text/*", "image/*", "application/im-iscomposing+xml"}
)

func (o *Options) setDefaults() {
	if o.AcceptTypes == nil {
		o.AcceptTypes = sipSimpleTypes
	}
	if o.AcceptWrapped == nil {
		o.AcceptWrapped = sipSimpleWrapped
	}
}

func (o *Options) transport() string {
	if o.TCP {
		return "TCP"
	}
	return "UDP"
}

func (o *Options) aor() string { return "sip:" + o.User + "@" + o.Domain }

// takes reports whether one of the listed types, which may end in "/*", is the type.
func takes(list []string, contentType string) bool {
	contentType, _, _ = strings.Cut(contentType, ";")
	contentType = strings.ToLower(strings.TrimSpace(contentType))
	for _, t := range list {
		t = strings.ToLower(t)
		if t == "*" || t == contentType || strings.HasSuffix(t, "/*") && strings.HasPrefix(contentType, t[:len(t)-1]) {
			return true
		}
	}
	return false
}
