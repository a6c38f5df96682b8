package as

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strings"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/sipua"
)

const sdpType = "application/sdp"

// The legs are what store and push calls have in common: how they call a media server, and
// in whose name.
type legs struct {
	ua      *sipua.UA
	self    string          // our own SIP URI
	name    string          // of the server; it stands in for the addresses of media servers
	run     string          // random; see callID
	timeout time.Duration   // for a media server's answer, and for a change of the session
	ctx     context.Context // of what is left of a call when its context is over
}

// inviteMedia calls a media server with an offer; without one, the media server makes it.
// Session names the call; see sessionID.
func (l *legs) inviteMedia(ctx context.Context, ms *control.MediaServer, offer []byte, session string, log *slog.Logger, header ...sipua.Header) (*sipua.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return l.ua.Invite(ctx, sipua.InviteRequest{
		URI: ms.URI(), From: l.self, To: ms.URI(), CallID: l.callID(), Body: offer, ContentType: sdpType,
		Header: append(sessionHeaders(session), header...), Logger: log.With("ms", ms.Name()),
	})
}

// callID makes the Call-ID of a media server's leg, which tells which server, by
// its name, and which run of it has made it.
func (l *legs) callID() string { return rand.Text() + "-" + l.node() + "-" + l.run }

// node stands for the server's name in Call-IDs, which may not hold all that a
// name may.
func (l *legs) node() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(l.name)) // it does not fail
	return fmt.Sprintf("as%08x", h.Sum32())
}

// setUpByAnother reports whether an application server of another name has made
// the leg that a connection-id names.
func (l *legs) setUpByAnother(connection string) bool {
	callID, _, _ := strings.Cut(connection, ";")
	f := strings.Split(callID, "-")
	return len(f) == 3 && strings.HasPrefix(f[1], "as") && f[1] != l.node()
}

// refuseMedia acknowledges the media server's leg with an answer that refuses
// its offer, and ends it.
func refuseMedia(ctx context.Context, media *sipua.Call) {
	defer media.End(byeTimeout)
	if media.Acknowledged() {
		return
	}
	answer, err := refuseOffer(media.RemoteBody())
	if err != nil {
		answer = nil // an ACK without an answer still ends the 2xx retransmission
	}
	_ = media.Ack(context.WithoutCancel(ctx), answer, sdpType)
}

// byeTimeout bounds how long the end of one SIP dialog is waited for.
const byeTimeout = 5 * time.Second

// sameIDs checks that an answer of the media server's is about the pair and the leg that it
// was asked about: one with other ids says nothing of them. The URIs may be written in
// another way. See the paper, section 2.3.4.
func sameIDs(from, to, connection string, p mailbox.Pair, media *sipua.Call) error {
	if id := media.ID().String(); connection != id {
		return fmt.Errorf("the answer is about the connection %q, not %q", connection, id)
	}
	for got, want := range map[string]string{from: p.Sender, to: p.Recipient} {
		if canonical, err := sipua.CanonicalURI(got); err != nil || canonical != want {
			return fmt.Errorf("the answer is about %q, not %q", got, want)
		}
	}
	return nil
}
