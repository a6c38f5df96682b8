// Package mscptest is a peer for tests of either end of an MSCP channel: it
// sends what it is told to, also bytes that are no MSCP, and shows what comes.
//
// A Peer is for one goroutine. Every wait ends after Timeout with a failed
// test.
package mscptest

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
)

// Timeout bounds each read and write of a Peer.
const Timeout = 5 * time.Second

// A Peer is a scripted AS or MS.
type Peer struct {
	Conn net.Conn
	t    testing.TB
	r    *mscp.Reader
}

// New makes a peer of a connection, which the test's end closes.
func New(t testing.TB, c net.Conn) *Peer {
	t.Cleanup(func() { c.Close() })
	return &Peer{c, t, mscp.NewReader(c)}
}

// Pair makes a peer and the other end of its loopback TCP connection, for the
// Client or Server under test.
func Pair(t testing.TB) (*Peer, net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return New(t, c), other
}

// Raw sends bytes as they are.
func (p *Peer) Raw(s string) {
	p.t.Helper()
	_ = p.Conn.SetWriteDeadline(time.Now().Add(Timeout))
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.t.Fatalf("mscptest: write: %v", err)
	}
}

// PDU sends a PDU with any body.
func (p *Peer) PDU(u *mscp.PDU) {
	p.t.Helper()
	_ = p.Conn.SetWriteDeadline(time.Now().Add(Timeout))
	if err := u.Write(p.Conn); err != nil {
		p.t.Fatalf("mscptest: write: %v", err)
	}
}

// Request sends a request.
func (p *Peer) Request(id uint64, e mscp.Element) {
	p.t.Helper()
	d := mscp.Document{Kind: mscp.Request, Element: e}
	p.PDU(&mscp.PDU{Kind: mscp.Request, ID: id, Body: d.Encode(mscp.Draft)})
}

// Respond sends a response of any status.
func (p *Peer) Respond(id uint64, status int, e mscp.Element) {
	p.t.Helper()
	d := mscp.Document{Kind: mscp.Response, Element: e}
	p.PDU(&mscp.PDU{Kind: mscp.Response, ID: id, Status: status, Body: d.Encode(mscp.Draft)})
}

// Notify sends a notification.
func (p *Peer) Notify(e mscp.Element) {
	p.t.Helper()
	d := mscp.Document{Kind: mscp.Notification, Element: e}
	p.PDU(&mscp.PDU{Kind: mscp.Notification, Body: d.Encode(mscp.Draft)})
}

// Next waits for a PDU and reads the first document in it.
func (p *Peer) Next() (*mscp.PDU, *mscp.Document) {
	p.t.Helper()
	_ = p.Conn.SetReadDeadline(time.Now().Add(Timeout))
	u, err := p.r.Read()
	if err != nil {
		p.t.Fatalf("mscptest: read: %v", err)
	}
	docs, err := u.Documents(mscp.Options{})
	if err != nil {
		p.t.Fatalf("mscptest: body: %v", err)
	}
	return u, docs[0]
}

// WantClosed waits until the other end has closed the connection.
func (p *Peer) WantClosed() {
	p.t.Helper()
	_ = p.Conn.SetReadDeadline(time.Now().Add(Timeout))
	_, err := p.r.Read()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Fatalf("mscptest: the connection was not closed: %v", err)
	}
}
