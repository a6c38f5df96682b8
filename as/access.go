package as

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// AccessConfig says whose requests are taken, and whose word on who calls.
type AccessConfig struct {
	Peers   []string `yaml:"peers"`
	Trusted []string `yaml:"trusted"`
	Users   string   `yaml:"users"`
	Realm   string   `yaml:"realm"`
}

// access are the rules that are in force. They are not changed once made.
type access struct {
	peers, trusted daemon.Peers
	users          *userFile            // nil without
	ask            *sipua.Authenticator // nil without users
}

// newAccess makes the rules; an error names the key that it is about.
func newAccess(c AccessConfig) (*access, error) {
	a := &access{}
	var err error
	if a.peers, err = daemon.ParsePeers(c.Peers); err != nil {
		return nil, fmt.Errorf("access.peers: %w", err)
	}
	if a.trusted, err = daemon.ParsePeers(c.Trusted); err != nil {
		return nil, fmt.Errorf("access.trusted: %w", err)
	}
	if c.Users == "" {
		if a.peers.Empty() && a.trusted.Empty() {
			return nil, fmt.Errorf("access.peers: with neither access.trusted nor access.users, nobody could call")
		}
		return a, nil
	}
	if c.Realm == "" || strings.ContainsAny(c.Realm, "\":\r\n") {
		return nil, fmt.Errorf("access.realm: %q is not the realm of access.users: it is needed, and has no colon or quote", c.Realm)
	}
	if a.users, err = loadUsers(c.Users, c.Realm); err != nil {
		return nil, fmt.Errorf("access.users: %w", err)
	}
	// Behind a proxy, the Request-URI may be another than that of the credentials.
	a.ask = sipua.NewAuthenticator(sipua.AuthConfig{
		Realm: c.Realm, Lookup: a.users.secret, Algorithms: a.users.algorithms, AnyURI: true,
	})
	return a, nil
}

// Why a request of the outside is rejected, as metrics and logs have it.
const (
	rejectStranger    = "stranger"
	rejectCredentials = "credentials"
	rejectFrom        = "from"
	rejectMethod      = "method"
)

const (
	headerAsserted = "P-Asserted-Identity"
	headerPrivacy  = "Privacy"
)

// isPeer reports whether requests from there are let in without credentials.
func (s *Server) isPeer(addr netip.Addr, names []string) bool {
	a := s.access.Load()
	return a.trusted.Has(addr, names) || a.peers.Has(addr, names)
}

// admit sees every request of a peer's before anything else does, and those of strangers
// that judge has let in, and reports whether it has answered it. What is within a dialog
// has proved itself by the dialog's tags, except that a NOTIFY may come before its dialog.
// P-Asserted-Identity remains in a request only from who is trusted to have it.
func (s *Server) admit(req *sip.Request, tx sip.ServerTransaction) bool {
	if tx == nil || tagOf(req.To()) != "" && req.Method != sip.NOTIFY {
		return false
	}
	select {
	case <-s.ready:
	case <-s.ctx.Done():
		return true
	}
	a, peer := s.access.Load(), s.ua.Peer(req)
	if a.trusted.Has(peer.Addr.Addr(), peer.Names) {
		return false
	}
	sipua.RemoveHeaders(req, headerAsserted) // [RFC3325-5] of others it must not be used
	if !a.peers.Has(peer.Addr.Addr(), peer.Names) {
		return false // judge has let it in
	}
	if s.limited(req, tx, peer) {
		return true
	}
	if a.peers.HasAddr(peer.Addr.Addr()) || vouches(peer.Names, req.From()) {
		return false
	}
	s.reject(req, tx, rejectFrom, 403, "Forbidden (From is not of this certificate)")
	return true
}

// judge lets a stranger's request in, with nil, or makes the answer. Nothing is kept of
// what it refuses, and the answer goes out once: a stranger need not be who his address
// says.
func (s *Server) judge(req *sip.Request, peer sipua.Peer) *sip.Response {
	select {
	case <-s.ready:
	case <-s.ctx.Done():
		return sip.NewResponseFromRequest(req, 503, "Server Is Closing", nil)
	}
	if over := s.limits.source(peer.Addr.Addr()); over != nil {
		code, reason := over.code()
		return s.rejection(req, over.why, code, reason, sip.NewHeader("Retry-After", over.seconds()))
	}
	a := s.access.Load()
	if a.ask == nil || req.Method == sip.REGISTER || req.Method == sip.NOTIFY { // of other servers only
		return s.rejection(req, rejectStranger, 403, "")
	}
	return s.challenge(a, req)
}

// challenge asks for credentials, and compares From with whose they are.
func (s *Server) challenge(a *access, req *sip.Request) *sip.Response {
	user, challenge := s.ua.Ask(a.ask, req)
	if challenge != nil {
		if req.GetHeader("Authorization") != nil {
			s.rejected(rejectCredentials, req.Source(), 401)
		}
		return challenge
	}
	from, err := sipua.CanonicalURI(req.From().Address.String())
	if err != nil || !a.users.owns(user, from) {
		return s.rejection(req, rejectFrom, 403, "Forbidden (From is not the user's)")
	}
	return nil
}

// vouches tells whether a certificate is one for the From: it names that user, or
// the domain. See RFC 5922, section 7.1.
func vouches(names []string, from *sip.FromHeader) bool {
	if from == nil {
		return false
	}
	uri, err := sipua.CanonicalURI(from.Address.String())
	if err != nil {
		return false
	}
	user := plainScheme(uri)
	domain := strings.Trim(from.Address.Host, "[]")
	for _, name := range names {
		if scheme, rest, ok := strings.Cut(name, ":"); ok && strings.EqualFold(scheme, "sip") {
			if !strings.Contains(rest, "@") {
				name = rest
			} else if own, err := sipua.CanonicalURI(name); err == nil && own == user {
				return true
			}
		}
		if strings.EqualFold(strings.TrimSuffix(name, "."), domain) {
			return true
		}
	}
	return false
}

// plainScheme is a canonical URI with sip for sips, which names the same user.
func plainScheme(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "sips:"); ok {
		return "sip:" + rest
	}
	return uri
}

// reject answers a request that is not let in; phrase "" means the usual one.
func (s *Server) reject(req *sip.Request, tx sip.ServerTransaction, why string, code int, phrase string, headers ...sip.Header) {
	s.ua.RespondOnce(req, tx, s.rejection(req, why, code, phrase, headers...))
}

// rejection makes that answer, and counts it.
func (s *Server) rejection(req *sip.Request, why string, code int, phrase string, headers ...sip.Header) *sip.Response {
	if phrase == "" {
		phrase = "Forbidden"
	}
	res := sip.NewResponseFromRequest(req, code, phrase, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	s.rejected(why, req.Source(), code)
	return res
}

// rejected counts a rejection and logs the first of its kind.
func (s *Server) rejected(why, source string, code int) {
	s.metrics.rejected.WithLabelValues(why).Inc()
	s.quiet.Warn(s.log, "request rejected", why, "source", source, "code", code)
}

// callerOf is who leaves messages in a call that was let in, as the recipient is
// to see it, and who is behind that. A trusted peer's P-Asserted-Identity goes
// before From, which its user may have chosen at will; but who asks for privacy
// is shown as From has it. An error says that the header names nobody: From, which
// nobody has checked, does not take its place. See RFC 3325, sections 5 and 7.
func callerOf(in *sipua.IncomingCall) (sender, identity string, err error) {
	if !in.HasHeader(headerAsserted) {
		return in.From, in.From, nil
	}
	if identity, err = assertedIdentity(in.ListHeader(headerAsserted)); err != nil {
		return "", "", fmt.Errorf("%s: %w", headerAsserted, err)
	}
	if wantsPrivacy(in.ListHeader(headerPrivacy)) {
		return in.From, identity, nil
	}
	return identity, identity, nil
}

// maxOtherIdentities bounds the URIs that otherIdentities lists.
const maxOtherIdentities = 8

// otherIdentities are the URIs of the caller beside sender that a trusted peer has
// asserted, with blanks between them. What the caller writes in messages may name any.
func otherIdentities(in *sipua.IncomingCall, sender string) string {
	var list []string
	for _, value := range in.ListHeader(headerAsserted) {
		uri, err := sipua.CanonicalURI(value)
		if err == nil && uri != sender && !slices.Contains(list, uri) && len(list) < maxOtherIdentities {
			list = append(list, uri)
		}
	}
	return strings.Join(list, " ")
}

// assertedIdentity is the first sip or sips URI among the values or, without any,
// the first tel URI. Every value must be an address. See RFC 3325, section 9.1.
func assertedIdentity(values []string) (string, error) {
	var identity string
	err := errNobodyAsserted
	for _, value := range values {
		uri, bad := sipua.CanonicalURI(value)
		if bad != nil {
			return "", bad
		}
		if identity == "" || strings.HasPrefix(identity, "tel:") && !strings.HasPrefix(uri, "tel:") {
			identity, err = uri, nil
		}
	}
	return identity, err
}

var errNobodyAsserted = errors.New("it has no value")

// wantsPrivacy reports whether the caller's asserted identity is to stay within the
// trust domain: one wish for that is enough, whatever else is there, and in which
// row. See RFC 3325, section 9.3, and RFC 3323, section 4.2.
func wantsPrivacy(values []string) bool {
	for _, value := range values {
		for _, wish := range strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return r == ';' || r == ' ' || r == '\t' }) {
			if wish == "id" || wish == "user" {
				return true
			}
		}
	}
	return false
}

// tagOf is the tag of a To header, "" without one.
func tagOf(to *sip.ToHeader) string {
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}
