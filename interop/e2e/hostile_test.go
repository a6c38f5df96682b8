package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// maxRSS is what a server may use at the most after all of the abuse, in
// bytes: far below what was sent and claimed.
const maxRSS = 400 << 20

// An abuse is what a stranger does on a connection. It returns when it is done
// or the server has closed the connection.
type abuse struct {
	name string
	do   func(c net.Conn) error
	// lasts says that the server reads on for a time, in bounded memory, before
	// it closes the connection: what comes could still be meant well.
	lasts bool
}

// endless writes head once and then the same piece again and again, up to 64
// MB, or until the server closes the connection.
func endless(head, piece string) func(net.Conn) error {
	return func(c net.Conn) error {
		if _, err := io.WriteString(c, head); err != nil {
			return err
		}
		block := bytes.Repeat([]byte(piece), 64<<10/len(piece)+1)
		for sent := 0; sent < 64<<20; sent += len(block) {
			if _, err := c.Write(block); err != nil {
				return err
			}
		}
		return nil
	}
}

// once writes s and goes away, without or with waiting a moment for the end.
func once(s string) func(net.Conn) error {
	return func(c net.Conn) error {
		_, err := io.WriteString(c, s)
		return err
	}
}

var garbage = string(bytes.Repeat([]byte{0, 1, 2, 0xff, 0xfe, '\r', '\n', '\n', ' ', ':'}, 4000))

// abuses by protocol. Each is also done by several connections at once.
var abuses = map[string][]abuse{
	"SIP": {
		{"garbage", once(garbage), false},
		{"1 GB Content-Length", endless("INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: h\r\nCSeq: 1 INVITE\r\nContent-Length: 1073741824\r\n\r\n", "body"), false},
		{"endless header", endless("INVITE sip:x@y SIP/2.0\r\nSubject: ", "x"), false},
		{"endless headers", endless("INVITE sip:x@y SIP/2.0\r\n", "X-More: y\r\n"), false},
		{"half a message, then silence", once("INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP 127.0"), true},
	},
	"MSRP": {
		{"garbage", once(garbage), false},
		{"1 GB Content-Length", endless("MSRP abcd1234 SEND\r\nTo-Path: msrp://127.0.0.1:1/x;tcp\r\nFrom-Path: msrp://127.0.0.1:2/y;tcp\r\nMessage-ID: 1\r\nByte-Range: 1-1073741824/1073741824\r\nContent-Length: 1073741824\r\nContent-Type: text/plain\r\n\r\n", "body"), true},
		{"endless header", endless("MSRP abcd1234 SEND\r\nTo-Path: ", "x"), false},
		{"endless headers", endless("MSRP abcd1234 SEND\r\n", "X-More: y\r\n"), false},
		{"half a chunk, then silence", once("MSRP abcd1234 SEND\r\nTo-Path: msrp://127.0.0.1:1/x;tcp\r\nFrom-Path: msrp://127.0.0.1:2/y;tcp\r\nMessage-ID: 1\r\nByte-Range: 1-100/100\r\nContent-Type: text/plain\r\n\r\nhalf"), true},
	},
	"MSCP": {
		{"garbage", once(garbage), false},
		{"1 GB Content-Length", endless("REQ MSCP/1.0 1\r\nContent-Type: application/mscp+xml\r\nContent-Length: 1073741824\r\n\r\n", "body"), false},
		{"endless line", endless("REQ MSCP/1.0 ", "1"), false},
		{"endless headers", endless("REQ MSCP/1.0 1\r\n", "X-More: y\r\n"), false},
		{"half a PDU, then silence", once("REQ MSCP/1.0 1\r\nContent-Type: application/mscp+xml\r\nContent-Length: 100\r\n\r\n<mscp"), true},
	},
	"admin": {
		{"garbage", once(garbage), false},
		{"1 GB Content-Length", endless("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n", "body"), false},
		{"endless header", endless("GET /metrics HTTP/1.1\r\nHost: ", "x"), false},
		{"half a request, then silence", once("GET /met"), true},
	},
}

// TestHostileBytes abuses every open port of both servers, and then has a
// message left and delivered: neither process has ended or grown.
func TestHostileBytes(t *testing.T) {
	t.Parallel()
	e := newEnv(t, envOptions{})
	as, ms := e.cluster.AS, e.cluster.MS[0]
	pids := map[*cluster.Process]int{as: as.Pid(), ms: ms.Pid()}
	for _, target := range []struct {
		protocol string
		p        *cluster.Process
		dial     func() (net.Conn, error)
	}{
		{"SIP", as, dialer("tcp", as.SIP)}, {"SIP", ms, dialer("tcp", ms.SIP)},
		{"MSRP", ms, dialer("tcp", ms.MSRP)},
		{"MSCP", ms, func() (net.Conn, error) { return e.controlConnection(ms) }},
		{"admin", as, dialer("tcp", as.Admin)}, {"admin", ms, dialer("tcp", ms.Admin)},
	} {
		for _, a := range abuses[target.protocol] {
			t.Run(target.protocol+"/"+a.name, func(t *testing.T) {
				for range 3 {
					began := time.Now()
					c, err := target.dial()
					if err != nil {
						t.Fatal(err)
					}
					// The silent ones stay open, until the servers or the test end.
					t.Cleanup(func() { c.Close() })
					_ = c.SetDeadline(time.Now().Add(5 * time.Second))
					if err := a.do(c); err != nil && !isClosed(err) {
						t.Errorf("neither closed nor taken: %v", err)
					}
					if target.protocol != "admin" && !a.lasts {
						e.wantOneLine(t, target.p, c, began)
					}
				}
			})
		}
	}
	for _, addr := range []string{as.SIP, ms.SIP} {
		floodUDP(t, addr)
	}
	for p, pid := range pids {
		if p.Pid() != pid {
			t.Fatalf("%s has ended", p.Name)
		}
		if rss := residentBytes(t, pid); rss > maxRSS {
			t.Errorf("%s uses %d MB", p.Name, rss>>20)
		} else {
			t.Logf("%s used %d MB at most", p.Name, rss>>20)
		}
	}
	e.leave(alice, bob, "still there")
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" still there")
}

// wantOneLine waits for the server to close the connection, and checks that its
// log tells of it once. Before began the same port of ours may have been that of
// a connection to another port of the server.
func (e *env) wantOneLine(t *testing.T, p *cluster.Process, c net.Conn, began time.Time) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil && !isClosed(err) {
		t.Errorf("the connection was not closed: %v", err)
		return
	}
	peer := "=" + c.LocalAddr().String() + " "
	warnings := 0
	e.eventually("the log tells of "+peer, func() bool {
		warnings = 0
		for line := range strings.Lines(p.LogTail(500)) {
			if strings.Contains(strings.TrimSpace(line)+" ", peer) && strings.Contains(line, "level=WARN") && !loggedBefore(line, began) {
				warnings++
			}
		}
		return warnings > 0
	})
	if warnings != 1 {
		t.Errorf("%d lines tell of the connection, not one", warnings)
	}
}

// loggedBefore tells whether a line of a log is older than t; logs have
// milliseconds.
func loggedBefore(line string, t time.Time) bool {
	stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	return err == nil && at.Before(t.Truncate(time.Millisecond))
}

func dialer(network, addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial(network, addr) }
}

// controlConnection sets a control channel up as an application server would.
func (e *env) controlConnection(ms *cluster.Process) (net.Conn, error) {
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "stranger"}, sipua.Handlers{})
	if err != nil {
		return nil, err
	}
	e.t.Cleanup(func() { ua.Close() })
	offer, err := mscp.NewOffer("127.0.0.1").Marshal()
	if err != nil {
		return nil, err
	}
	call, err := ua.Invite(e.ctx, sipua.InviteRequest{
		URI: "sip:ms@" + ms.SIP, From: ua.Contact(), To: "sip:ms@" + ms.SIP, Body: offer, ContentType: "application/sdp",
	})
	if err != nil {
		return nil, err
	}
	if err := call.Ack(e.ctx, nil, ""); err != nil {
		return nil, err
	}
	m, err := mscp.ParseSDP(call.RemoteBody())
	if err != nil {
		return nil, err
	}
	return net.Dial("tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.Port)))
}

// floodUDP sends what is no SIP, and what nearly is, as datagrams.
func floodUDP(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 2000 {
		s := []string{
			garbage[:1000], "INVITE", "INVITE sip:x@y SIP/2.0\r\n\r\n", "\r\n\r\n",
			fmt.Sprintf("BYE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%d\r\nCSeq: 1 INVITE\r\n\r\n", i),
			fmt.Sprintf("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%d\r\nCSeq: 1 INVITE\r\nContent-Length: 99999999\r\n\r\n", i),
		}[i%6]
		_, _ = io.WriteString(c, s) // a full buffer drops it
	}
}

func isClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

// residentBytes is the most memory that the process ever had, pages of its files
// included, on Linux; 0 elsewhere.
func residentBytes(t *testing.T, pid int) int { return statusBytes(t, pid, "VmHWM:") }

// statusBytes is a line of what Linux tells of a process's memory; 0 elsewhere.
func statusBytes(t *testing.T, pid int, name string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Log("memory is not checked: ", err)
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				t.Error(err)
			}
			return kb << 10
		}
	}
	t.Error("no " + name)
	return 0
}
