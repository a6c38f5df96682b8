package sipserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

const (
	defaultHops = 70   // Max-Forwards of a request that has none
	defaultPort = 5060 // of a URI that has none
)

// hostPort is where a URI points.
func hostPort(u *sip.Uri) string {
	port := u.Port
	if port == 0 {
		port = defaultPort
	}
	return u.Host + ":" + strconv.Itoa(port)
}

// ours reports whether the URI names a user of the domain, or the server.
func (s *Server) ours(u *sip.Uri) bool {
	if hostPort(u) == s.ua.Addr() {
		return true
	}
	return strings.EqualFold(u.Host, s.cfg.Domain) && (u.Port == 0 || u.Port == defaultPort)
}

// takeRoute removes the Route entries that name us. [RFC3261-16.4]
func (s *Server) takeRoute(req *sip.Request) {
	for {
		r := req.Route()
		if r == nil || !s.ours(&r.Address) {
			return
		}
		req.RemoveHeader("Route")
	}
}

// nextHop is the URI where a request goes that is not for a user of ours: the
// next Route entry, else the Request-URI. [RFC3261-16.6-7]
func nextHop(req *sip.Request) *sip.Uri {
	if r := req.Route(); r != nil {
		return &r.Address
	}
	return &req.Recipient
}

// target sets where fwd goes. A code says that it goes nowhere.
func (s *Server) target(fwd *sip.Request) (code int, reason string) {
	uri := &fwd.Recipient
	if fwd.Route() != nil || !s.ours(uri) {
		setTarget(fwd, nextHop(fwd)) // a dialog's request, addressed to its Contact
		return 0, ""
	}
	if contact, ok := s.contactOf(uri); ok {
		fwd.Recipient = contact
		setTarget(fwd, &contact)
		return 0, ""
	}
	if fwd.Method != sip.INVITE || s.cfg.AppServer == "" || s.fromAppServer(fwd) {
		return 480, "Temporarily Unavailable"
	}
	fwd.SetDestination(s.cfg.AppServer)
	fwd.SetTransport("UDP")
	return 0, ""
}

// fromAppServer reports whether a request comes from the application server, by its
// source or its Contact.
func (s *Server) fromAppServer(req *sip.Request) bool {
	for _, as := range append([]string{s.cfg.AppServer}, s.cfg.MoreAppServers...) {
		if c := req.Contact(); req.Source() == as || c != nil && hostPort(&c.Address) == as {
			return true
		}
	}
	return false
}

func setTarget(req *sip.Request, uri *sip.Uri) {
	transport := "UDP"
	if v, ok := uri.UriParams.Get("transport"); ok {
		transport = strings.ToUpper(v)
	}
	req.SetTransport(transport)
	req.SetDestination(hostPort(uri))
}

// lessHops counts one hop. [RFC3261-16.6-3]
func lessHops(req *sip.Request) {
	hops := sip.MaxForwardsHeader(defaultHops)
	if h := req.MaxForwards(); h != nil {
		hops = sip.MaxForwardsHeader(h.Val() - 1)
	}
	for req.RemoveHeader("Max-Forwards") {
	}
	req.AppendHeader(&hops)
}

// recordRoute keeps us in the path of the dialog that the request begins, if
// that is wanted. [RFC3261-16.6-4]
func (s *Server) recordRoute(req *sip.Request) {
	begins := req.Method == sip.INVITE || req.Method == sip.SUBSCRIBE || req.Method == sip.REFER
	if !s.cfg.RecordRoute || !begins || tagOf(req.To().Params) != "" {
		return
	}
	uri := s.uri()
	uri.UriParams.Add("lr", "")
	req.PrependHeader(&sip.RecordRouteHeader{Address: uri})
}

// addVia puts our Via on top, with the mark in its branch. [RFC3261-16.6-8]
func (s *Server) addVia(req *sip.Request, mark string) {
	host, port, _ := sip.ParseAddr(s.ua.Addr())
	via := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: req.Transport(), Host: host, Port: port,
	}
	via.Params.Add("branch", sip.GenerateBranch()+mark)
	req.PrependHeader(via)
}

// loopMark digests all of a request that decides where it goes. If a request
// comes by again and nothing of that has changed, it is in a loop. See RFC
// 3261, section 16.6, step 8.
func loopMark(req *sip.Request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n%s\n%s\n", req.Recipient.String(), tagOf(req.From().Params), tagOf(req.To().Params),
		req.CallID().Value(), req.CSeq().Value())
	for _, r := range req.GetHeaders("Route") {
		fmt.Fprintln(h, r.Value())
	}
	return "." + hex.EncodeToString(h.Sum(nil)[:8])
}

// looped reports whether the request has passed us before as it is now.
func (s *Server) looped(req *sip.Request, mark string) bool {
	for _, h := range req.GetHeaders("Via") {
		via, ok := h.(*sip.ViaHeader)
		if !ok || via.Host+":"+strconv.Itoa(via.Port) != s.ua.Addr() {
			continue
		}
		if branch, _ := via.Params.Get("branch"); strings.HasSuffix(branch, mark) {
			return true
		}
	}
	return false
}
