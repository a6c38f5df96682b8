package sipua

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// tcpRequest writes a request with a body as it comes over TCP.
func tcpRequest(method, callID, headers, body string) string {
	return fmt.Sprintf("%s sip:test@x SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK%s%s\r\nMax-Forwards: 70\r\nFrom: <sip:peer@example.com>;tag=p\r\n"+
		"To: <sip:test@example.com>\r\nCall-ID: %[2]s\r\nCSeq: 1 %[1]s\r\nContact: <sip:peer@192.0.2.9>\r\n%[4]sContent-Length: %d\r\n\r\n%s",
		method, callID, strings.ToLower(method), headers, len(body), body)
}

// logging makes a user agent whose log is read once it is closed.
func logging(t *testing.T, log io.Writer, h Handlers) *UA {
	ua, err := New(Config{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(log, nil))}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua
}

// TestLargeMessagesOverTCP sends messages beyond each limit, and behind each, on the
// same connection, an OPTIONS that is answered.
func TestLargeMessagesOverTCP(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	sdp := "Content-Type: application/sdp\r\n"
	for name, tc := range map[string]struct {
		message, status string // status "" is none
		piece           int    // bytes that are written at once
	}{
		"within the limits":             {tcpRequest("INVITE", "fits", "X-Pad: "+long(3000)+"\r\n"+sdp, long(64000)), "486", 1 << 20},
		"at the limits":                 {tcpRequest("INVITE", "edge", "X-Pad: "+long(MaxHead-400)+"\r\n"+sdp, long(MaxBody)), "486", 4000},
		"body":                          {tcpRequest("INVITE", "body", sdp, long(MaxBody+1)), "413", 1 << 20},
		"body in pieces":                {tcpRequest("INVITE", "pieces", sdp, long(200_000)), "413", 1000},
		"body of SIP":                   {tcpRequest("INVITE", "inside", sdp, strings.Repeat(tcpRequest("OPTIONS", "in", "", ""), 400)), "413", 1 << 20},
		"several megabytes":             {tcpRequest("INVITE", "mega", sdp, long(5<<20)), "413", 1 << 20},
		"one long header":               {tcpRequest("INVITE", "line", "X-Pad: "+long(MaxHead)+"\r\n", "x"), "513", 1 << 20},
		"one very long header":          {tcpRequest("INVITE", "vline", "X-Pad: "+long(3<<20)+"\r\n", "x"), "513", 1 << 20},
		"many headers, in pieces":       {tcpRequest("INVITE", "many", strings.Repeat("X-Pad: y\r\n", 10_000), "x"), "513", 999},
		"long headers and a body":       {tcpRequest("INVITE", "both", strings.Repeat("X-Pad: y\r\n", 10_000), long(100_000)), "513", 50_000},
		"long headers, compact length":  {strings.Replace(tcpRequest("INVITE", "l", strings.Repeat("X-Pad: y\r\n", 10_000), long(100_000)), "Content-Length", "l", 1), "513", 50_000},
		"Via behind long headers":       {"INVITE sip:x SIP/2.0\r\n" + strings.Repeat("X-Pad: y\r\n", 10_000) + "Via: SIP/2.0/TCP x\r\nContent-Length: 1\r\n\r\nx", "", 1 << 20},
		"response":                      {"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x\r\nContent-Length: 100000\r\n\r\n" + long(100_000), "", 1 << 20},
		"response with long headers":    {"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x\r\nX: " + long(100_000) + "\r\nContent-Length: 1\r\n\r\nx", "", 1 << 20},
		"ACK":                           {tcpRequest("ACK", "ack", sdp, long(100_000)), "", 1 << 20},
		"malformed, with a large body":  {strings.Replace(tcpRequest("INVITE", "bad", sdp, long(100_000)), "From: <sip:", "From: <", 1), "400", 1 << 20},
		"two of them without a pause":   {tcpRequest("INVITE", "one", sdp, long(100_000)) + tcpRequest("INFO", "two", sdp, long(100_000)), "413", 1 << 20},
		"a method that nobody supports": {tcpRequest("FROBNICATE", "frob", sdp, long(100_000)), "413", 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			ua := logging(t, &log, Handlers{Invite: func(in *IncomingCall) { _ = in.Reject(486, "") }})
			c, err := net.Dial("tcp", ua.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			go func() {
				all := []byte(tc.message + tcpRequest("OPTIONS", "alive", "", ""))
				for len(all) > 0 {
					n := min(tc.piece, len(all))
					if _, err := c.Write(all[:n]); err != nil {
						return // the reader fails
					}
					all = all[n:]
				}
			}()
			got, alive := "", false
			for r := bufio.NewReader(c); !alive || got == "" && tc.status != ""; {
				m, err := readMessage(r)
				if err != nil {
					t.Fatalf("after %q: %v", got, err)
				}
				if testutil.Field(m, "Call-ID") == "alive" {
					alive = true
				} else if code := strings.Fields(m)[1]; code != "100" {
					got += code
				}
			}
			if tc.status == "" && got != "" || tc.status != "" && got != strings.Repeat(tc.status, max(1, len(got)/3)) {
				t.Errorf("answered with %q, want %q", got, tc.status)
			}
			ua.Close()
			if large := strings.Contains(log.String(), "SIP message too large"); large != (tc.status != "486") || strings.Contains(log.String(), "no SIP") {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// TestHugeMessagesEndTheConnection announces more than is read over.
func TestHugeMessagesEndTheConnection(t *testing.T) {
	for name, m := range map[string]string{
		"body":    strings.Replace(tcpRequest("INVITE", "huge", "", ""), "Content-Length: 0", "Content-Length: 2147483647", 1) + strings.Repeat("x", 1000),
		"headers": strings.TrimSuffix(tcpRequest("INVITE", "head", "X: y", ""), "\r\n\r\n") + strings.Repeat("x", MaxSkipped+MaxHead),
	} {
		var log bytes.Buffer
		ua := logging(t, &log, Handlers{})
		c, err := net.Dial("tcp", ua.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		go func() { _, _ = io.WriteString(c, m) }()
		answers, _ := io.ReadAll(c) // it ends, or is reset
		c.Close()
		ua.Close()
		if name == "body" && !strings.HasPrefix(string(answers), "SIP/2.0 413") {
			t.Errorf("%s: answered with %q", name, answers)
		}
		if !strings.Contains(log.String(), "message too long") {
			t.Errorf("%s: the log says %s", name, log.String())
		}
	}
}

// TestLargeAnswerOverTCP has the 200 to our INVITE, and the ACK to our 200, carry a
// body that is too large: the call is one without an answer, and can be ended.
func TestLargeAnswerOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		invite, err := readMessage(bufio.NewReader(c))
		if err != nil {
			t.Error(err)
			return
		}
		p := &rawPeer{t: t}
		body := strings.Repeat("x", 100_000)
		_, _ = io.WriteString(c, strings.Replace(p.responseAs(invite, "200 OK", "one", "Content-Type: application/sdp\r\n", ln.Addr().String()), "Content-Length: 0", "Content-Length: 100000", 1)+body)
		_, _ = io.Copy(io.Discard, c)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ua := newUA(t, Handlers{})
	call, err := ua.Invite(ctx, InviteRequest{URI: "sip:peer@" + ln.Addr().String() + ";transport=tcp", From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte("x"), ContentType: sdpType})
	if err != nil {
		t.Fatal(err)
	}
	if call.RemoteBodyError() == nil {
		t.Errorf("the answer is %d bytes", len(call.RemoteBody()))
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		t.Error(err)
	}
}

// TestLargestDatagram sends requests of the largest size that UDP carries over IPv4.
// See RFC 3261, section 18.1.1.
func TestLargestDatagram(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	for _, size := range []int{32_768, 33_297, maxDatagram} {
		m := p.request("OPTIONS", fmt.Sprint("udp", size), "p", "<sip:test@example.com>", "X-Pad: \r\nContent-Length: 0\r\n")
		p.Send(ua.Addr(), strings.Replace(m, "X-Pad: ", "X-Pad: "+strings.Repeat("x", size-len(m)), 1))
		if res := p.next("SIP/2.0 200"); testutil.Field(res, "Call-ID") != fmt.Sprint("udp", size) {
			t.Errorf("answered with\n%s", res)
		}
	}
}
