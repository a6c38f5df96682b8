package sipua

import "github.com/emiago/sipgo/sip"

// A DialogID identifies an INVITE dialog, with From and To as in the INVITE: both ends
// have the same DialogID.
type DialogID struct{ CallID, FromTag, ToTag string }

// String is the connection-id of MSCP: "Call-ID;from-tag;to-tag". See
// draft-mcglashan-mscp-02, section 2.3.1.
func (id DialogID) String() string { return id.CallID + ";" + id.FromTag + ";" + id.ToTag }

// A dialog is the state that requests within a dialog need. See RFC 3261,
// section 12. Its owner locks it.
type dialog struct {
	callID    string
	local     sip.FromHeader // with our tag
	remote    sip.ToHeader   // with the peer's tag, once known
	target    sip.Uri        // the peer's Contact
	routes    []string       // the route set, first hop first
	hop       hop            // for a target that only a proxy can resolve
	localSeq  uint32
	remoteSeq uint32
}

func tagOf(p sip.HeaderParams) string { v, _ := p.Get("tag"); return v }

// request makes the next request within the dialog.
func (d *dialog) request(ua *agent, method sip.RequestMethod) *sip.Request {
	d.localSeq++
	return d.build(ua, method, d.localSeq)
}

// build makes a request within the dialog. See RFC 3261, section 12.2.1.1.
func (d *dialog) build(ua *agent, method sip.RequestMethod, seq uint32) *sip.Request {
	uri, routes, next := d.path(ua)
	req := ua.newRequest(method, uri, next)
	for _, r := range routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	from, to := d.local, d.remote
	callID := sip.CallIDHeader(d.callID)
	req.AppendHeader(&from)
	req.AppendHeader(&to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	if method != sip.BYE {
		req.AppendHeader(&sip.ContactHeader{Address: ua.contactURI(next.transport, d.target.Scheme)})
	}
	req.SetBody(nil)
	return req
}

// path returns the Request-URI, the Route headers and the destination of a request. A
// strict router, one without ;lr, requires its own URI as the Request-URI and the target
// as the last route. Without a route set, a target that is not an IP address goes to the
// dialog's hop, because the host of a GRUU is the user's domain, not the device.
func (d *dialog) path(ua *agent) (uri sip.Uri, routes []string, next target) {
	uri = *d.target.Clone()
	if len(d.routes) == 0 {
		if next, ok := d.hop.next(ua); ok && !isAddress(&uri) { // [RFC3261-8.1.2]
			return uri, nil, next
		}
		return uri, nil, uriTarget(&uri)
	}
	var first sip.Uri
	if _, err := sip.ParseAddressValue(d.routes[0], &first, nil); err != nil {
		return uri, d.routes, uriTarget(&uri)
	}
	next = uriTarget(&first)
	if first.UriParams.Has("lr") {
		return uri, d.routes, next
	}
	routes = append(append(routes, d.routes[1:]...), "<"+uri.String()+">") // [RFC3261-12.2.1.1]
	first.Headers = nil                                                    // [RFC3261-19.1.1] not allowed in a Request-URI
	first.UriParams.Remove("method")
	return first, routes, next
}

// recordRoutes are the values of the Record-Route headers, in their order.
func recordRoutes(m interface{ GetHeaders(string) []sip.Header }) []string {
	var routes []string
	for _, h := range m.GetHeaders("Record-Route") {
		routes = append(routes, h.Value())
	}
	return routes
}

// refreshTarget sets the remote target to the peer's Contact. See RFC 3261, section 12.2.
func refreshTarget(d *dialog, contact *sip.ContactHeader) {
	if contact != nil && contact.Address.Host != "" {
		d.target = *contact.Address.Clone()
	}
}

// A dialogKey identifies a dialog, established or early, by the Call-ID and our tag,
// which every request and response for it contains.
type dialogKey struct{ callID, localTag string }
