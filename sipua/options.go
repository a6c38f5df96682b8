package sipua

import (
	"context"
	"net"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// Ping asks a destination, as of InviteRequest, for its capabilities, and returns nil
// when it answers, with whatever code: then there is somebody. from is who asks. The
// transaction ends with ctx or after 32 s. See RFC 3261, section 11.
func (ua *UA) Ping(ctx context.Context, destination, from string) error {
	t, err := parseDestination(destination)
	if err != nil {
		return err
	}
	f, err := parseFrom(from)
	if err != nil {
		return err
	}
	f.Params.Add("tag", token())
	uri := sip.Uri{Scheme: "sip", UriParams: sip.NewParams()}
	if t.transport == "TLS" {
		uri.Scheme = "sips"
	}
	host, port, err := net.SplitHostPort(t.addr)
	if err != nil {
		return err
	}
	if uri.Host = host; net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
		uri.Host = "[" + host + "]"
	}
	if uri.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	req := ua.newRequest(sip.OPTIONS, uri, t)
	id := sip.CallIDHeader(token() + "@" + ua.host)
	for _, h := range []sip.Header{
		f, &sip.ToHeader{Address: uri, Params: sip.NewParams()}, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS},
		&sip.ContactHeader{Address: ua.contactURI(t.transport, uri.Scheme)}, sip.NewHeader("Accept", sdpType),
	} {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	_, err = ua.once(ctx, req)
	return err
}
