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

// Addr is the host:port where the user agent accepts SIP.
func (ua *UA) Addr() string { return ua.addr }

// TLSAddr is the host:port where the user agent accepts SIP over TLS, "" without TLS.
func (ua *UA) TLSAddr() string { return ua.secure.addr }

// Contact is the user agent's own SIP URI.
func (ua *UA) Contact() string { c := ua.contactURI("UDP", "sip"); return c.String() }

// Shutdown ends every call with BYE, as far as ctx allows, and then closes.
func (ua *UA) Shutdown(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range ua.calls.all() {
		wg.Go(func() { _ = c.Bye(ctx) })
	}
	wg.Wait()
	return ua.Close()
}

// Close closes the sockets and ends all calls and subscriptions without a message to the
// peers; see Shutdown. It may be called again.
func (ua *UA) Close() error { return ua.close(ua.calls.close) }

// Connections returns the number of TCP and TLS connections, and of refusals to
// strangers: of connections and, as "rate", of messages.
func (ua *UA) Connections() Counts { return ua.gate.Counts() }

// SetMaxStrangers replaces Config.MaxStrangers and MaxStrangersSource. Existing
// connections stay open.
func (ua *UA) SetMaxStrangers(all, source int) { ua.gate.SetLimits(connectionLimits(all, source)) }

// Unanswered returns the number of incoming calls without a final response, and of calls
// that were refused because there were too many.
func (ua *UA) Unanswered() Counts { return ua.rings.Counts() }

// Counts are the connections or calls that exist, and those that were refused, by reason.
type Counts = admit.Counts

// Peer returns the sender of a request, for rules of access. Once the connection of the
// request has closed, Names is empty.
func (ua *UA) Peer(req *sip.Request) Peer { return ua.peerOf(req) }
