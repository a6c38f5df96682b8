package mscp

// ReasonDevice is how the reason of a MsgNotSended of ours begins if the recipient's
// device, and not the media server or the moment, is why messages are left: it takes
// no session, or not these messages. Calling the same device again would change
// nothing; another one, when it registers, may take them.
const ReasonDevice = "not taken by this device"

// HeaderTransport is a SIP header of ours in an INVITE without an offer: it asks the
// media server to offer MSRP over TransportTLS or over TransportTCP, after a user agent
// has refused the other. A media server that does not know it offers as always.
const HeaderTransport = "MSRP-Transport"

// The values of HeaderTransport.
const (
	TransportTCP = "TCP"
	TransportTLS = "TLS"
)
