package sipua

import (
	"context"
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
)

// UA is a SIP user agent that is listening.
type UA struct {
	*agent
	h     Handlers
	calls *callTable
	subs  *subscriptions
	rings *admit.Gate // of incoming calls that are not answered yet
}

// Addr is the host:port where the user agent takes SIP.
func (ua *UA) Addr() string { return ua.addr }

// TLSAddr is the host:port where the user agent takes SIP over TLS, "" if it
// does not.
func (ua *UA) TLSAddr() string { return ua.secure.addr }

// Contact is the user agent's own SIP URI.
func (ua *UA) Contact() string { c := ua.contactURI("UDP", "sip"); return c.String() }

// Shutdown ends every call with BYE and every subscription, as far as ctx
// allows, and then closes.
func (ua *UA) Shutdown(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range ua.calls.all() {
		wg.Go(func() { _ = c.Bye(ctx) })
	}
	wg.Wait()
	return ua.Close()
}

// Close closes the sockets and ends everything without telling the peers:
// Shutdown does that. It may be called again.
func (ua *UA) Close() error { return ua.close(ua.calls.close) }

// Connections tells how many TCP and TLS connections there are, and what was refused of
// strangers: connections and, as "rate", messages.
func (ua *UA) Connections() Counts { return ua.gate.Counts() }

// SetMaxStrangers replaces Config.MaxStrangers and MaxStrangersSource. Connections that are
// there stay.
func (ua *UA) SetMaxStrangers(all, source int) { ua.gate.SetLimits(connectionLimits(all, source)) }

// Unanswered tells how many incoming calls wait for their final response, and how many
// were refused for their number.
func (ua *UA) Unanswered() Counts { return ua.rings.Counts() }

// Counts is what is held at a port, and what was refused, by reason.
type Counts = admit.Counts

// Peer returns the sender of a request, for rules of access. Once the connection of the
// request has closed, Names is empty.
func (ua *UA) Peer(req *sip.Request) Peer { return ua.peerOf(req) }
