package strictpeer

import "strings"

// Options are the habits of a phone. User, Domain and Proxy are required.
type Options struct {
	User, Domain, Password string
	Proxy                  string // host:port
	TCP                    bool   // SIP over TCP

	// AddressContact puts the phone's address in Contact instead of its GRUU.
	AddressContact bool
	// Passive makes the phone wait for MSRP connections if it can choose; otherwise it
	// connects. In its own offers, it requests the opposite.
	Passive bool
	// AcceptTypes and AcceptWrapped are the types that the phone accepts, and that the
	// other side must accept; nil means those of SIP SIMPLE clients.
	AcceptTypes, AcceptWrapped []string
	// DemandCPIM refuses an offer that does not accept text inside message/cpim.
	DemandCPIM bool

	Binding Binding
	Reports Reports // the success reports that it sends
	// AlwaysAnswer sends a 200 also if Failure-Report is no, as node-lib and tinyMSRP do.
	AlwaysAnswer bool
	// AnswerReports sends a 200 to a REPORT, as tinyMSRP does.
	AnswerReports bool
	// KeepAlive sends an empty SEND with Keep-Alive before each message.
	KeepAlive bool
	// MessageIDFirst writes Message-ID before Byte-Range, as msrp-java does.
	MessageIDFirst bool
	// PieceSize is the number of bytes of one write to MSRP; 0 means that each request is
	// one write.
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

// Reports are the success reports that a phone sends if they are requested.
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
