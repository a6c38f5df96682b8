package conform

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// ownRelayClient uses a relay with package msrp, as an application would.
func ownRelayClient(t *testing.T) RelayClientTarget {
	t.Helper()
	ua, l := ownEnds(t)
	return RelayClientTarget{Listen: "127.0.0.1:0", Username: "u", Password: "p", Send: func(ctx context.Context, relay, to, text string) error {
		uri, err := msrp.ParseURI(relay)
		if err != nil {
			return err
		}
		r, err := msrp.OpenRelay(ctx, msrp.Config{Logger: slog.New(slog.DiscardHandler)},
			msrp.RelayConfig{Relay: uri, Local: l.NewURI("127.0.0.1"), Username: "u", Password: "p"})
		if err != nil {
			return err
		}
		defer r.Close()
		own := r.Path()[len(r.Path())-1]
		ours := msrp.Media{Host: own.Host, Port: own.Port, Path: r.Path(), AcceptTypes: []string{"text/plain"}}
		offer, err := ours.Offer()
		if err != nil {
			return err
		}
		call, err := ua.Invite(ctx, sipua.InviteRequest{URI: to, From: ua.Contact(), To: to, Body: offer, ContentType: sdpType})
		if err != nil {
			return err
		}
		defer call.Bye(context.WithoutCancel(ctx))
		if err := call.Ack(ctx, nil, ""); err != nil {
			return err
		}
		theirs, err := msrp.ParseSDP(call.RemoteBody())
		if err != nil {
			return err
		}
		session, err := r.Dial(ctx, msrp.SessionConfig{Remote: theirs.Path})
		if err != nil {
			return err
		}
		defer session.Close()
		_, err = session.Send(ctx, msrp.Message{ContentType: "text/plain", Body: strings.NewReader(text), Size: int64(len(text))})
		<-ctx.Done()
		return err
	}}
}

// TestMSRPRelayClientOwn runs all cases against our own client.
func TestMSRPRelayClientOwn(t *testing.T) {
	cases, end := MSRPRelayClient(ownRelayClient(t))
	defer end()
	results, err := Run(t.Context(), cases, Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome != Passed {
			t.Errorf("%s: %s\n%s", r.ID, r.Detail, r.Wire)
		}
	}
}

// relayFaults are what a client of a relay does wrong, and the case that notices it first.
var relayFaults = []struct {
	name, fails string
	frame, sdp  func(string) string
}{
	{name: "AUTH goes elsewhere", fails: "msrp-relay/5.1/1", frame: replaceRegexp(`(MSRP \S+ AUTH\r\nTo-Path: msrp://)127.0.0.1`, "${1}127.0.0.2")},
	{name: "Use-Path forwards", fails: "msrp-relay/5.1/2", sdp: replaceRegexp(`a=path:(\S+) (\S+) `, "a=path:$2 $1 ")},
	{name: "To-Path is the relay's alone", fails: "msrp-relay/5.1/3", frame: replaceRegexp(`(SEND\r\nTo-Path:) (\S+) (\S+) `, "$1 $3 $2 ")},
	{name: "no AUTH after the first", fails: "msrp-relay/5.1/4", frame: replaceRegexp(`(?s)^(MSRP \S+) AUTH\r\n(.*nc=00000002)`, "$1 NICKNAME\r\n$2")},
	{name: "another password", fails: "msrp-relay/5.1/2", frame: replaceRegexp(`response="....`, `response="0000`)},
	{name: "the first nonce for ever", fails: "msrp-relay/9.1/1", frame: replace(nextNonce, relayNonce)},
}

// TestMSRPRelayClientFaults has each fault noticed by its case.
func TestMSRPRelayClientFaults(t *testing.T) {
	for _, f := range relayFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			client := ownRelayClient(t)
			b := &relayBench{senderBench: senderBench{target: SenderTarget{Listen: client.Listen}, spoilSDP: f.sdp}, client: client}
			if f.frame != nil {
				b.wrap = func(c net.Conn) net.Conn { return spoiledReads(c, f.frame) }
			}
			defer b.close()
			var found string
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, _ = Run(ctx, b.cases(), Options{Timeout: 3 * time.Second, OnResult: func(r Result) {
				if r.Outcome == Failed {
					found = r.ID + ": " + r.Detail
					cancel()
				}
			}})
			if !strings.HasPrefix(found, f.fails+":") {
				t.Errorf("%q is the first to notice it, not %s", found, f.fails)
			}
		})
	}
}
