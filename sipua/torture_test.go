package sipua

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
)

// tortured starts a user agent with as much of an application on top as the
// messages of RFC 4475 ask for. sent gets what it sends over UDP.
func tortured(t *testing.T, sent chan<- string) *UA {
	a := NewAuthenticator(AuthConfig{Realm: "example.com", Lookup: alice})
	var ua *UA
	ready := make(chan struct{})
	ua = newUAWith(t, Config{Trace: func(e TraceEvent) {
		if e.Sent && e.Transport == "UDP" {
			select {
			case sent <- string(e.Raw):
			default: // repetitions that nobody reads
			}
		}
	}}, Handlers{
		Invite: func(in *IncomingCall) {
			switch {
			case in.ContentType != "application/sdp":
				_ = in.Reject(415, "", Header{"Accept", "application/sdp"})
			case in.Header("Accept") == "text/nobodyKnowsThis":
				_ = in.Reject(406, "")
			default:
				_ = in.Reject(486, "")
			}
		},
		Methods: []string{"REGISTER", "MESSAGE"},
		Other: func(req *sip.Request, tx sip.ServerTransaction) {
			<-ready
			if req.GetHeader("Authorization") != nil {
				if _, ok := ua.Authenticate(a, req, tx); !ok {
					return
				}
			}
			code := 200
			if to := req.To().Address; to.Scheme != "sip" {
				code = 400
			}
			ua.respond(req, tx, code, "")
		},
	})
	close(ready)
	return ua
}

// expectations are the lines of EXPECTED: name, UDP, TCP.
func expectations(t *testing.T) (lines [][]string) {
	t.Helper()
	f, err := os.Open("testdata/rfc4475/EXPECTED")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) >= 4 && fields[0] != "#" {
			lines = append(lines, fields[:3])
		}
	}
	files, err := filepath.Glob("testdata/rfc4475/*.dat")
	if err != nil || len(files) != 49 || len(lines) != 49 {
		t.Fatalf("%d messages and %d expectations, want 49 of each (%v)", len(files), len(lines), err)
	}
	return lines
}

func vector(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/rfc4475/" + name + ".dat")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// alive is an OPTIONS that must be answered whatever came before.
func alive(callID string) string {
	return "OPTIONS sip:test@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK" + token() + "\r\nFrom: <sip:a@b>;tag=t\r\nTo: <sip:a@b>\r\nCall-ID: " + callID + "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
}

// TestTortureUDP sends each message of RFC 4475 in a datagram. Answers go to
// where its Via says, so that they are taken from the trace.
func TestTortureUDP(t *testing.T) {
	for _, e := range expectations(t) {
		t.Run(e[0], func(t *testing.T) {
			sent := make(chan string, 100)
			ua := tortured(t, sent)
			p := newRawPeer(t)
			p.Send(ua.Addr(), string(vector(t, e[0])))
			p.Send(ua.Addr(), alive("alive"))
			got, lives := "drop", false
			for !lives || got == "drop" && e[1] != "drop" {
				var m string
				select {
				case m = <-sent:
				case <-time.After(5 * time.Second):
					t.Fatalf("got %s, alive %v, want %s", got, lives, e[1])
				}
				switch {
				case testutil.Field(m, "Call-ID") == "alive":
					lives = true
				case strings.HasPrefix(m, "SIP/2.0 100"):
				default:
					got = status(m)
					checkAnswer(t, e[0], m)
				}
			}
			if got != e[1] {
				t.Errorf("got %s, want %s", got, e[1])
			}
		})
	}
}

// checkAnswer looks for what else than its status an answer must have.
func checkAnswer(t *testing.T, name, m string) {
	t.Helper()
	want := map[string][2]string{
		"intmeth": {"Allow", "INVITE"}, "mismatch02": {"Allow", "INVITE"}, "bext01": {"Unsupported", "nothingSupportsThis, nothingSupportsThisEither"},
		"invut": {"Accept", "application/sdp"}, "regaut01": {"WWW-Authenticate", "Digest"}, "clerr": {"To", "<none>"},
	}[name]
	if name == "clerr" { // made without a transaction
		want = [2]string{"To", "sip:j.user@example.com;tag="}
	}
	if want[0] != "" && !strings.Contains(testutil.Field(m, want[0]), want[1]) {
		t.Errorf("%s lacks %q in\n%s", want[0], want[1], m)
	}
}

// TestTortureTCP sends each message over a connection of its own.
func TestTortureTCP(t *testing.T) {
	for _, e := range expectations(t) {
		t.Run(e[0], func(t *testing.T) {
			ua := tortured(t, nil)
			c, err := net.Dial("tcp", ua.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			message := vector(t, e[0])
			if e[0] == "inv2543" {
				message = bytes.Replace(message, []byte("CSeq"), []byte("Content-Length: 105\r\nCSeq"), 1)
			}
			if _, err := c.Write(message); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, alive("alive")); err != nil {
				t.Fatal(err)
			}
			got, lives, closed := "drop", false, false
			wait := 5 * time.Second
			if e[2] == "wait" {
				wait = 200 * time.Millisecond
			}
			_ = c.SetReadDeadline(time.Now().Add(wait))
			var answers []string
			for b := bufio.NewReader(c); !closed && (!lives || got == "drop" && e[2] != "drop"); {
				m, err := readMessage(b)
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded):
					closed = true
					if e[2] == "wait" {
						got, lives = "wait", true
					}
				case err != nil:
					closed = true
					got += "!"
					lives = true
				case testutil.Field(m, "Call-ID") == "alive":
					lives = true
				case strings.HasPrefix(m, "SIP/2.0 100"):
				default:
					answers = append(answers, m)
					if testutil.Field(m, "Call-ID") != "dblreq.0ha0isnda977644900765@192.0.2.15" {
						got = status(m)
						checkAnswer(t, e[0], m)
					}
				}
				if strings.HasSuffix(e[2], "!") {
					lives = false // read on until the end
				}
			}
			if got != e[2] || !lives && !closed {
				t.Errorf("got %s, alive %v, want %s; answers %q", got, lives, e[2], answers)
			}
			if closed && e[2] != "wait" {
				again, err := net.Dial("tcp", ua.Addr())
				if err != nil {
					t.Fatal(err)
				}
				defer again.Close()
				_, _ = io.WriteString(again, alive("again"))
				_ = again.SetReadDeadline(time.Now().Add(5 * time.Second))
				if m, err := readMessage(bufio.NewReader(again)); err != nil || status(m) != "200" {
					t.Errorf("another connection: %q, %v", m, err)
				}
			}
		})
	}
}

// readMessage reads one message of a stream.
func readMessage(r *bufio.Reader) (string, error) {
	var b []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		if b = append(b, c); bytes.HasSuffix(b, []byte("\r\n\r\n")) {
			break
		}
	}
	return string(b), nil // our answers to these messages have no body
}
