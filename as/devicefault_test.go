package as

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// TestNotSended reads what a media server says of a push.
func TestNotSended(t *testing.T) {
	for reason, device := range map[string]bool{
		mscp.ReasonDevice + ": 2 withheld, the first: the user agent does not take it": true,
		"message m1: 408 Timeout":              false,
		"it was " + mscp.ReasonDevice + ", no": false,
		"":                                     false,
	} {
		err := notSended(&mscp.MsgNotSended{Reason: reason})
		if about := mailbox.FaultOf(err).About; (about == mailbox.AboutDevice) != device || (about == mailbox.AboutSender) == device || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v", reason, err)
		}
	}
}

var portZero = regexp.MustCompile(`m=message \d+ `)

// TestOtherTransport pushes to devices that take MSRP over one transport only: after
// their refusal they are offered the other, if the media server has it.
func TestOtherTransport(t *testing.T) {
	const plain, secure = "TCP/MSRP", "TCP/TLS/MSRP"
	for name, tc := range map[string]struct {
		first  string   // what the media server offers by default
		other  bool     // it has another
		takes  string   // what the device takes
		code   int      // how it refuses; 200 with port 0 in the answer
		offers []string // that the device gets
		ok     bool
	}{
		"takes the first":           {plain, true, plain, 488, []string{plain}, true},
		"takes TLS alone":           {plain, true, secure, 488, []string{plain, secure}, true},
		"takes TLS alone, with 415": {plain, true, secure, 415, []string{plain, secure}, true},
		"takes TLS alone, port 0":   {plain, true, secure, 200, []string{plain, secure}, true},
		"takes neither, port 0":     {plain, true, "", 200, []string{plain, secure}, false},
		"takes plain alone":         {secure, true, plain, 606, []string{secure, plain}, true},
		"takes neither":             {plain, true, "", 488, []string{plain, secure}, false},
		"there is no other":         {plain, false, secure, 488, []string{plain}, false},
		"is busy":                   {plain, true, "", 486, []string{plain}, false},
	} {
		t.Run(name, func(t *testing.T) {
			offerOf := func(proto string) []byte { return []byte(strings.Replace(testAnswer, plain, proto, 1)) }
			ms := newFakeMS(t)
			ms.change(func(m *fakeMS) {
				m.onStore = func(in *sipua.IncomingCall) {
					proto := tc.first
					if tc.other {
						switch in.Header(mscp.HeaderTransport) {
						case "TLS":
							proto = secure
						case "TCP":
							proto = plain
						}
					}
					if call, _, err := in.Answer(context.Background(), offerOf(proto), sdpType); err == nil {
						<-call.Done()
					}
				}
			})
			var mu sync.Mutex
			var offers []string
			user, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "bob"}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
				proto := plain
				if strings.Contains(string(in.Body), " "+secure+" ") {
					proto = secure
				}
				mu.Lock()
				offers = append(offers, proto)
				mu.Unlock()
				answer := offerOf(proto)
				if proto != tc.takes && tc.code != 200 {
					_ = in.Reject(tc.code, "")
					return
				}
				if proto != tc.takes {
					answer = portZero.ReplaceAll(answer, []byte("m=message 0 "))
				}
				if call, _, err := in.Answer(context.Background(), answer, sdpType); err == nil {
					<-call.Done()
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { user.Close() })
			s := startAS(t, func(c *Config) { c.OutboundProxy = user.Addr() }, ms)
			err = s.push(testContext(t), mailbox.Pair{Recipient: "sip:bob@example.com", Sender: "sip:alice@example.com", Server: ms.ua.Addr()})
			mu.Lock()
			defer mu.Unlock()
			if (err == nil) != tc.ok || !slices.Equal(offers, tc.offers) {
				t.Errorf("offered %v, want %v: %v", offers, tc.offers, err)
			}
		})
	}
}
