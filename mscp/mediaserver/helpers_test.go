package mediaserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/mscp"
)

// channel makes both ends of a channel.
func channel(t *testing.T, h mscp.Handler, ccfg, scfg mscp.Config) (*mscp.Client, *mscp.Server) {
	t.Helper()
	as, ms := testutil.TCPPair(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	ccfg.Logger, scfg.Logger = log, log
	c, s := mscp.NewClient(as, ccfg), mscp.NewServer(ms, h, scfg)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

// mute is a connection on which nothing can be written.
type mute struct{ net.Conn }

func (mute) Write([]byte) (int, error) { return 0, errors.New("mute") }

// answerTo has a server answer req with h. It calls meanwhile between the answer and its
// sending, and returns when the answer was sent, or could not be.
func answerTo(t *testing.T, h mscp.Handler, req mscp.Element, sent bool, meanwhile func(mscp.Element)) {
	t.Helper()
	as, ms := testutil.TCPPair(t)
	if !sent {
		ms = mute{ms}
	}
	s := mscp.NewServer(ms, func(ctx context.Context, req mscp.Element) (mscp.Element, error) {
		e, err := h(ctx, req)
		meanwhile(e)
		return e, err
	}, mscp.Config{})
	doc := mscp.Document{Kind: mscp.Request, Element: req}
	if err := (&mscp.PDU{Kind: mscp.Request, ID: 1, Body: doc.Encode(mscp.Draft)}).Write(as); err != nil {
		t.Fatal(err)
	}
	if p, err := mscp.NewReader(as).Read(); (err == nil) != sent {
		t.Errorf("got %+v, %v", p, err)
	}
	s.Close()
}

// reasonOf is the reason of an element that says that something has failed.
func reasonOf(e mscp.Element) string {
	reason, _ := mscp.ErrorReason(e)
	return reason
}

func offerOf(t *testing.T, connection string) []byte {
	t.Helper()
	m := mscp.NewOffer("127.0.0.1")
	m.Connection = connection
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
