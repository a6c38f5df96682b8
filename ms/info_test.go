package ms

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// overInfo is an AS's end of MSCP over INFO on a participant's dialog.
func (a *fakeAS) overInfo(call *sipua.Call) *mscp.InfoClient {
	c := mscp.NewInfoClient(func(ctx context.Context, body []byte) error { return call.Info(ctx, mscp.ContentType, body) }, mscp.Config{Strict: true})
	call.OnInfo(func(_ context.Context, i sipua.Info) error { return c.Deliver(i.Body) })
	a.t.Cleanup(func() { c.Close() })
	return c
}

// TestInfoOnParticipantsDialogs makes requests in INFOs on the dialogs of a store and of a
// push session, each about the other's connection too: the response comes on the dialog of
// its request, whatever that is about.
func TestInfoOnParticipantsDialogs(t *testing.T) {
	a := newFakeAS(t, nil)
	store := a.invite(rawSDP(rawPath, "accept-types:*"))
	push := a.invite(nil)
	if err := errors.Join(store.Ack(a.ctx(), nil, ""), push.Ack(a.ctx(), rawSDP(rawPath, "accept-types:*"), sdpType)); err != nil {
		t.Fatal(err)
	}
	ask := func(on *sipua.Call, req mscp.Element, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(a.ctx(), 10*time.Second)
		defer cancel()
		if e, err := a.overInfo(on).Do(ctx, req); err != nil || mscp.Name(e) != want {
			t.Fatalf("%s: %+v, %v", mscp.Name(req), e, err)
		}
	}
	restore := &mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: store.ID().String()}
	ask(push, restore, "MsgRestored")
	ask(store, restore, "MsgRestored")
	ask(store, &mscp.Join{ID1: store.ID().String(), ID2: push.ID().String()}, "errorconferencejoin")
	ask(push, &mscp.CreateConference{}, "errorconferencecreate")
	l := &rawLeg{t: t, call: store, ours: rawPath, theirs: attribute(t, string(store.RemoteBody()), "path")}
	l.dial()
	l.send("t1", "hello", "Content-Type: text/plain")
	l.want("t1", 200)
	a.wantKept(1)
	var status *sipua.StatusError
	if err := store.Info(a.ctx(), mscp.ContentType, []byte("no XML")); !errors.As(err, &status) || status.Code != 400 {
		t.Errorf("what is no XML: %v", err)
	}
	if err := store.Info(a.ctx(), "text/plain", []byte("x")); !errors.As(err, &status) || status.Code != 415 {
		t.Errorf("what is no MSCP: %v", err)
	}
	if err := errors.Join(store.Bye(a.ctx()), push.Bye(a.ctx())); err != nil {
		t.Fatal(err)
	}
}

// TestInfoWithoutTLS checks that control.require_tls holds for the dialogs of participants.
func TestInfoWithoutTLS(t *testing.T) {
	cert, dir := selfSigned(t), t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := func(kind string, der []byte) string {
		name := filepath.Join(dir, kind)
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	a := newFakeASWithout(t, func(c *Config) {
		c.Control.RequireTLS, c.SIP.TLSListen = true, "127.0.0.1:0"
		c.TLS.Certificate, c.TLS.Key = file("CERTIFICATE", cert.Certificate[0]), file("PRIVATE KEY", key)
	})
	call := a.invite(rawSDP(rawPath, "accept-types:*"))
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	doc := mscp.Document{Kind: mscp.Request, ID: "r1", Element: &mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: call.ID().String()}}
	var status *sipua.StatusError
	if err := call.Info(a.ctx(), mscp.ContentType, doc.Encode(mscp.Draft)); !errors.As(err, &status) || status.Code != 415 {
		t.Errorf("MSCP without TLS: %v", err)
	}
	_ = call.Bye(a.ctx())
}
