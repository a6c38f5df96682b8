package content

import (
	"slices"
	"strings"
	"unicode"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/sipua"
)

// A recipient is shown the From of a message in CPIM as its author, whether the sender or
// this server wrote it. So a message is refused if its From is not the user that speaks in
// its session.
//
//	From                                               taken
//	none                                               yes: the session says who speaks
//	the URI that the session's messages are kept       yes
//	  under, or another identity of its user that
//	  the application server has told
//	the same user in another scheme (sips, im, pres;   yes
//	  tel where the user is that number)
//	an anonymous URI: the user "anonymous", or a       yes
//	  host of one label below "invalid" (RFC 3323,
//	  section 4.1.1.3)
//	several                                            if each is taken
//	a name with angle brackets, a line end or a        no: a reader may take the name
//	  character that turns text around                   for the URI, or for another line
//	a name that has the address of another user        no
//	no address                                         no
//	on a folded line, behind a character that may      by the same rules
//	  end a line, among the MIME headers
//	in headers that cannot be read                     by the same rules, line by line
//	headers longer than are read                       no: it may be behind
//
// The names From and from count without a prefix, and under one that stands for CPIM's
// namespace. What is inside the message is not looked at, a message in CPIM neither: it is
// an attachment there. To, cc, Subject and DateTime are the sender's own words, and To may
// be missing, or name a group. See RFC 3862, section 4.1.

// Answers to a message whose From is not taken.
var (
	errNotSpeaker  = &msrp.StatusError{Code: 403, Reason: "From Is Not The Sender"}
	errHeadersLong = &msrp.StatusError{Code: 400, Reason: "Message Headers Too Long"}
)

// A Speaker is the user that speaks in a session.
type Speaker struct {
	URI  string   // canonical; the messages of the session are kept under it
	Also []string // canonical URIs of the same user
}

// Check returns an error if a message in CPIM says that it is from another user.
func (s Speaker) Check(begin Preview) error {
	if begin.headersLong {
		return errHeadersLong
	}
	for _, value := range begin.from {
		if !s.is(value) {
			return errNotSpeaker
		}
	}
	return nil
}

// is reports whether the value of a From is an address of the speaker.
func (s Speaker) is(value string) bool {
	a, err := cpim.ParseAddress(value)
	if err != nil || strings.ContainsFunc(a.Name, misleads) {
		return false
	}
	for _, named := range sipua.AddressesIn(a.Name) {
		if !s.has(named) {
			return false
		}
	}
	return isAnonymous(a) || s.has(a.URI)
}

// has reports whether a URI is one of the speaker's.
func (s Speaker) has(uri string) bool {
	return sameUser(uri, s.URI) || slices.ContainsFunc(s.Also, func(also string) bool { return sameUser(uri, also) })
}

// misleads reports whether a character in a name misleads its reader: it may be taken for the
// end of the name or of the line, or it turns text around.
func misleads(r rune) bool {
	return strings.ContainsRune("<>\uff1c\uff1e", r) || endsLine(r) || unicode.Is(unicode.Bidi_Control, r) && r > '\u200f' // marks are in use
}

// isAnonymous reports whether an address is anonymous. It is not if its host below "invalid"
// looks like a domain, or its user like an address.
func isAnonymous(a cpim.Address) bool {
	_, who, _ := strings.Cut(a.URI, ":")
	user, host, ok := strings.Cut(who, "@")
	if ok && strings.EqualFold(user, "anonymous") {
		return true
	}
	host, _, _ = strings.Cut(host, ";")
	host, _, _ = strings.Cut(host, ":")
	return a.Anonymous() && !strings.ContainsAny(user, "%;?") && strings.Count(strings.TrimSuffix(host, "."), ".") == 1
}

// sameUser reports whether a URI stands for the user whose canonical URI is user.
func sameUser(uri, user string) bool {
	if scheme, rest, _ := strings.Cut(uri, ":"); strings.EqualFold(scheme, "im") || strings.EqualFold(scheme, "pres") {
		uri = "sip:" + rest // the same user and host: see RFC 3860 and 3859
	}
	uri, err := sipua.CanonicalURI(uri)
	if err != nil {
		return false
	}
	scheme, who, _ := strings.Cut(uri, ":")
	userScheme, userWho, _ := strings.Cut(user, ":")
	if (scheme == "tel") == (userScheme == "tel") {
		return who == userWho // sips is sip over TLS
	}
	return number(uri) == number(user) // see RFC 3261, section 19.1.6
}

// number is the telephone number of a canonical URI, or its user if that is none.
func number(uri string) string {
	_, who, _ := strings.Cut(uri, ":")
	who, _, _ = strings.Cut(who, "@")
	if tel, err := sipua.CanonicalURI("tel:" + who); err == nil {
		return tel
	}
	return who
}
